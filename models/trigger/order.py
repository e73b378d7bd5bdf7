"""After an order: thanks, confirmation, and the reminder to buy again (R9)."""

from models.trigger.fragment import STEP, newly_due
from models.trigger.kind import OccasionQuery, Parameter, ParameterKind, Trigger, TriggerCode, steps

_COLUMNS = "customer_id, id, external_id, ordered_at, arrived_at, product_ids"

_STANDS = "(cancelled_at IS NULL OR cancelled_at > {bound})"

_CANDIDATES = f"""
SELECT o.customer_id, 'order:' || o.external_id, step.number, o.ordered_at, o.ordered_at + step.delay,
    greatest(o.ordered_at + step.delay, o.arrived_at), jsonb_build_object('order', o.id)
FROM {STEP} {newly_due("orders", "ordered_at", _COLUMNS, "true")} AS o"""

# A platform may list a product once for each piece that was bought: it is one product all the same.
_PRODUCTS = """ARRAY(
    SELECT id FROM unnest(placed.product_ids) WITH ORDINALITY AS listed(id, place) GROUP BY id ORDER BY min(place))"""

_FACTS = f"""
SELECT {_PRODUCTS} AS product_ids, jsonb_build_object('order', placed.external_id) AS said, NULL::timestamptz AS instant
FROM orders AS placed
WHERE placed.customer_id = {{customer}} AND placed.id = ({{about}} ->> 'order')::uuid
  AND (placed.cancelled_at IS NULL OR placed.cancelled_at > {{bound}})"""

PLACED = OccasionQuery(_CANDIDATES, _FACTS)

# Every delay there is, each with its own range of the index; then each order keeps those that are its own.
_DELAYS = """(
    SELECT number, delay, NULL::smallint AS days FROM step
    UNION ALL
    SELECT 1, days * interval '1 day', days FROM (
        SELECT DISTINCT repurchase_days AS days FROM product
        WHERE shop_id = {shop} AND repurchase_days IS NOT NULL AND ({parameters} ->> 'useProductCycle')::boolean
    ) AS cycle) AS step"""

NOT_AGAIN = OccasionQuery(
    candidates=f"""
SELECT o.customer_id, 'order:' || o.external_id, step.number, o.ordered_at, o.ordered_at + step.delay,
    greatest(o.ordered_at + step.delay, o.arrived_at), jsonb_build_object('order', o.id)
FROM {_DELAYS} CROSS JOIN LATERAL {newly_due("orders", "ordered_at", _COLUMNS, "true")} AS o
CROSS JOIN LATERAL (SELECT min(p.repurchase_days) AS days FROM product p
                    WHERE p.id = ANY(o.product_ids) AND ({{parameters}} ->> 'useProductCycle')::boolean) AS own
WHERE step.days IS NOT DISTINCT FROM own.days""",
    facts=f"""{_FACTS} AND NOT EXISTS (
    SELECT FROM orders WHERE shop_id = {{shop}} AND customer_id = {{customer}}
      AND ordered_at > placed.ordered_at AND ordered_at <= {{bound}} AND {_STANDS})""",
)

THANK_YOU = Trigger(
    TriggerCode.THANK_YOU,
    "Somebody placed an order, and has not cancelled it.",
    (steps("Minutes after the order.", (1_440,), least=0, greatest=43_200, most=3),),
    PLACED,
)

ORDER_CONFIRMATION = Trigger(
    TriggerCode.ORDER_CONFIRMATION,
    "Somebody placed an order. It is no marketing: it neither counts towards the contact limit nor waits for it, "
    "and it keeps no quiet hours.",
    (steps("Minutes after the order.", (0,), least=0, greatest=1_440, most=1),),
    PLACED,
    is_marketing=False,
)

REPURCHASE_REMINDER = Trigger(
    TriggerCode.REPURCHASE_REMINDER,
    "Somebody has not ordered again for a while since their last order.",
    (
        steps("Minutes after the last order.", (30_240,), least=10_080, greatest=259_200, most=3),
        Parameter(
            "useProductCycle", ParameterKind.BOOLEAN,
            "Whether an order goes by the repurchaseDays of its products, the smallest of them, where it has any.",
            default=False,
        ),
    ),
    NOT_AGAIN,
)  # fmt: skip
