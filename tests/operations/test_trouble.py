"""What a command says of an error that whoever typed it can mend."""

from redis.exceptions import ConnectionError as RedisConnectionError

from operations.trouble import told


def test_a_redis_that_cannot_be_reached_is_laid_to_its_setting():
    error = RedisConnectionError("Error -2 connecting to nowhere.invalid:6379. Name or service not known.")

    assert told(error) == f"Redis cannot be reached at REDIS_URL: {error}"
