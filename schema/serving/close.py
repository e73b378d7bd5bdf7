"""Why a WebSocket is closed: the codes of graphql-transport-ws."""

BAD_MESSAGE = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
BAD_PROTOCOL = 4406
INIT_TIMED_OUT = 4408
DUPLICATE_ID = 4409
INIT_REPEATED = 4429


class Close(Exception):
    """The socket must be closed, with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
