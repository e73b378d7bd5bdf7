"""How a plan's recipients stand, for tests that look at whole plans."""

from models.plan import Plan
from models.progress import progress


async def states(plan: Plan) -> dict[str, int]:
    """Recipients by state, and by reason where there is one."""
    found = await progress(plan.id)
    assert found is not None
    sums: dict[str, int] = {}
    for count in found.counts:
        name = count.state.value if count.reason is None else f"{count.state.value} {count.reason}"
        sums[name] = sums.get(name, 0) + count.count
    return sums
