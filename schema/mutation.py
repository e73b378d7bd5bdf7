"""The root of all mutations, one line per field."""

import strawberry

import resolvers.automated_plan
import resolvers.chat_platform
import resolvers.consent
import resolvers.conversation
import resolvers.coupon
import resolvers.customer
import resolvers.customer_export
import resolvers.erasure
import resolvers.event
import resolvers.holdout
import resolvers.live_session
import resolvers.message
import resolvers.offer
import resolvers.order
import resolvers.plan
import resolvers.price_change
import resolvers.product
import resolvers.quiet_hours
import resolvers.recommendation
import resolvers.segment
import resolvers.send_rate
import resolvers.sender
import resolvers.sending
import resolvers.shop
import resolvers.trial
import resolvers.webhook
from schema.chat_platform import ChatPlatformConnectPayload, ChatPlatformRotateSecretPayload
from schema.consent import EmailUnsubscribePayload, ShopBlockPayload, ShopUnblockPayload
from schema.conversation import ConversationAnswerPayload, MessageReplyPayload
from schema.coupon import CouponCreatePayload, CouponEndPayload, CouponUpdatePayload
from schema.customer_export import CustomerExportPayload
from schema.erasure import CustomerErasePayload
from schema.holdout import HoldoutUpdatePayload
from schema.message import MessageClickPayload, MessageMarkReadPayload
from schema.offer import CouponClaimPayload, CouponRedeemPayload
from schema.plan_payload import (
    AutomatedPlanCreatePayload,
    AutomatedPlanUpdatePayload,
    PlanCancelPayload,
    PlanCreateFromCouponPayload,
    PlanCreatePayload,
    PlanDeletePayload,
    PlanDuplicatePayload,
    PlanPausePayload,
    PlanResumePayload,
    PlanRetryFailedPayload,
    PlanSubmitPayload,
    PlanUpdatePayload,
)
from schema.quiet_hours import QuietHoursUpdatePayload
from schema.recommendation import RecommendationDismissPayload
from schema.row import (
    CustomersUpsertPayload,
    EventsUpsertPayload,
    LivesUpsertPayload,
    OrdersUpsertPayload,
    PriceChangesUpsertPayload,
    ProductsUpsertPayload,
    ShopsUpsertPayload,
)
from schema.segment import (
    SegmentArchivePayload,
    SegmentCreatePayload,
    SegmentDuplicatePayload,
    SegmentUpdatePayload,
)
from schema.send_rate import SendRateUpdatePayload
from schema.sender import SenderCheckPayload
from schema.sending import SendingResumePayload, SendingStopPayload
from schema.shop import ChatPlatformDisconnectPayload
from schema.trial import PlanTestSendPayload
from schema.webhook import (
    WebhookCreatePayload,
    WebhookDeletePayload,
    WebhookRotateSecretPayload,
    WebhookTestPayload,
    WebhookUpdatePayload,
)


@strawberry.type(description="What can be done.")
class Mutation:
    """Every mutation."""

    shops_upsert = strawberry.field(
        resolver=resolvers.shop.upsert,
        graphql_type=ShopsUpsertPayload,
        description="Platform: write up to 250 shops, known again by their external ids; each row is told apart.",
    )
    customers_upsert = strawberry.field(
        resolver=resolvers.customer.upsert,
        graphql_type=CustomersUpsertPayload,
        description="Platform: write up to 250 customers, known again by their external ids; each row is told apart.",
    )
    products_upsert = strawberry.field(
        resolver=resolvers.product.upsert,
        graphql_type=ProductsUpsertPayload,
        description="Platform: write up to 250 products, known again by their external ids; each row is told apart.",
    )
    orders_upsert = strawberry.field(
        resolver=resolvers.order.upsert,
        graphql_type=OrdersUpsertPayload,
        description="Platform: write up to 250 orders, known again by their external ids; each row is told apart.",
    )
    events_upsert = strawberry.field(
        resolver=resolvers.event.upsert,
        graphql_type=EventsUpsertPayload,
        description="Platform: write up to 250 events, known again by their external ids; each row is told apart.",
    )
    lives_upsert = strawberry.field(
        resolver=resolvers.live_session.upsert,
        graphql_type=LivesUpsertPayload,
        description="Platform: write up to 250 LIVE sessions, known again by their external ids; each row is told apart.",
    )
    price_changes_upsert = strawberry.field(
        resolver=resolvers.price_change.upsert,
        graphql_type=PriceChangesUpsertPayload,
        description="Platform: write up to 250 price changes, known again by product and time; each row is told apart.",
    )
    sending_stop = strawberry.field(
        resolver=resolvers.sending.stop,
        graphql_type=SendingStopPayload,
        description="Platform: let nothing leave, of any shop, by any channel, until sendingResume.",
    )
    sending_resume = strawberry.field(
        resolver=resolvers.sending.resume,
        graphql_type=SendingResumePayload,
        description="Platform: let everything go on; the time it was stopped does not count to any deadline.",
    )
    segment_create = strawberry.field(
        resolver=resolvers.segment.create,
        graphql_type=SegmentCreatePayload,
        description="Sellers: keep a new segment.",
    )
    segment_update = strawberry.field(
        resolver=resolvers.segment.update,
        graphql_type=SegmentUpdatePayload,
        description="Sellers: change a segment; submitted plans keep the version they were submitted with.",
    )
    segment_duplicate = strawberry.field(
        resolver=resolvers.segment.duplicate,
        graphql_type=SegmentDuplicatePayload,
        description="Sellers: make a segment of your own with the condition of another, a preset's too.",
    )
    segment_archive = strawberry.field(
        resolver=resolvers.segment.archive,
        graphql_type=SegmentArchivePayload,
        description="Sellers: put a segment out of sight; refused while a plan that has not started goes to it.",
    )
    plan_create = strawberry.field(
        resolver=resolvers.plan.create, graphql_type=PlanCreatePayload, description="Sellers: keep a new draft."
    )
    plan_update = strawberry.field(
        resolver=resolvers.plan.update, graphql_type=PlanUpdatePayload, description="Sellers: change a draft."
    )
    automated_plan_create = strawberry.field(
        resolver=resolvers.automated_plan.create,
        graphql_type=AutomatedPlanCreatePayload,
        description="Sellers: keep a new automated draft; it is submitted, held and stopped like any plan.",
    )
    automated_plan_update = strawberry.field(
        resolver=resolvers.automated_plan.update,
        graphql_type=AutomatedPlanUpdatePayload,
        description="Sellers: change an automated draft.",
    )
    plan_submit = strawberry.field(
        resolver=resolvers.plan.submit,
        graphql_type=PlanSubmitPayload,
        description="Sellers: send a draft, now or later.",
    )
    plan_pause = strawberry.field(
        resolver=resolvers.plan.pause,
        graphql_type=PlanPausePayload,
        description="Sellers: hold a plan; nothing goes out until it is resumed.",
    )
    plan_resume = strawberry.field(
        resolver=resolvers.plan.resume, graphql_type=PlanResumePayload, description="Sellers: let a paused plan go on."
    )
    plan_retry_failed = strawberry.field(
        resolver=resolvers.plan.retry_failed,
        graphql_type=PlanRetryFailedPayload,
        description="Sellers: try again what failed of a sent plan, without quota; consent and limits are asked afresh. "
        "At most 100,000 messages, those with the fewest tries first; the rest once the plan is sent again.",
    )
    plan_duplicate = strawberry.field(
        resolver=resolvers.plan.duplicate,
        graphql_type=PlanDuplicatePayload,
        description="Sellers: make a new draft that says what a plan says, whatever its status.",
    )
    plan_delete = strawberry.field(
        resolver=resolvers.plan.delete,
        graphql_type=PlanDeletePayload,
        description="Sellers: put a draft, or a cancelled one-time plan, out of sight.",
    )
    plan_cancel = strawberry.field(
        resolver=resolvers.plan.cancel, graphql_type=PlanCancelPayload, description="Sellers: stop a plan."
    )
    plan_create_from_coupon = strawberry.field(
        resolver=resolvers.coupon.make_known,
        graphql_type=PlanCreateFromCouponPayload,
        description="Sellers: draft a plan from a running coupon, with audience and message filled in.",
    )
    plan_test_send = strawberry.field(
        resolver=resolvers.trial.test_send,
        graphql_type=PlanTestSendPayload,
        description="Sellers: send a plan's email to a few named addresses, outside quota and figures.",
    )
    holdout_update = strawberry.field(
        resolver=resolvers.holdout.update,
        graphql_type=HoldoutUpdatePayload,
        description="Sellers: decide how many customers the shop's plans hold out, for comparison.",
    )
    quiet_hours_update = strawberry.field(
        resolver=resolvers.quiet_hours.update,
        graphql_type=QuietHoursUpdatePayload,
        description="Sellers: say when the shop's marketing reaches nobody, by the customer's own clock.",
    )
    send_rate_update = strawberry.field(
        resolver=resolvers.send_rate.update,
        graphql_type=SendRateUpdatePayload,
        description="Platform: say how many messages a minute a shop may send.",
    )
    chat_platform_connect = strawberry.field(
        resolver=resolvers.chat_platform.connect,
        graphql_type=ChatPlatformConnectPayload,
        description="Administrators: let the shop's chat go to a URL of its own, from the next recipients on.",
    )
    chat_platform_rotate_secret = strawberry.field(
        resolver=resolvers.chat_platform.rotate,
        graphql_type=ChatPlatformRotateSecretPayload,
        description="Administrators: replace the platform's secret; for a day requests carry both signatures.",
    )
    chat_platform_disconnect = strawberry.field(
        resolver=resolvers.chat_platform.disconnect,
        graphql_type=ChatPlatformDisconnectPayload,
        description="Administrators: let the shop's chat stay in the inbox again, what waits included.",
    )
    customer_export = strawberry.field(
        resolver=resolvers.customer_export.export,
        graphql_type=CustomerExportPayload,
        description="Platform: everything that is stored about a customer, for them to have.",
    )
    customer_erase = strawberry.field(
        resolver=resolvers.erasure.erase,
        graphql_type=CustomerErasePayload,
        description="Platform: forget who a customer is, for good; what was counted stays counted.",
    )
    sender_check = strawberry.field(
        resolver=resolvers.sender.check,
        graphql_type=SenderCheckPayload,
        description="Sellers: have the domain of the shop's emails looked at now, at most once a minute.",
    )
    webhook_create = strawberry.field(
        resolver=resolvers.webhook.create,
        graphql_type=WebhookCreatePayload,
        description="Administrators: tell a URL what becomes true of the shop's outreach, from now on.",
    )
    webhook_update = strawberry.field(
        resolver=resolvers.webhook.update,
        graphql_type=WebhookUpdatePayload,
        description="Administrators: change a webhook, disable it, or enable it again.",
    )
    webhook_delete = strawberry.field(
        resolver=resolvers.webhook.delete,
        graphql_type=WebhookDeletePayload,
        description="Administrators: forget a webhook, and what waits for it.",
    )
    webhook_rotate_secret = strawberry.field(
        resolver=resolvers.webhook.rotate,
        graphql_type=WebhookRotateSecretPayload,
        description="Administrators: replace a webhook's secret; for a day requests carry both signatures.",
    )
    webhook_test = strawberry.field(
        resolver=resolvers.webhook.test,
        graphql_type=WebhookTestPayload,
        description="Administrators: let a test be posted to a webhook, at once.",
    )
    recommendation_dismiss = strawberry.field(
        resolver=resolvers.recommendation.dismiss,
        graphql_type=RecommendationDismissPayload,
        description="Sellers: do not tell of a recommendation again until it has clearly grown, or for 30 days.",
    )
    coupon_create = strawberry.field(
        resolver=resolvers.coupon.create, graphql_type=CouponCreatePayload, description="Sellers: create a coupon."
    )
    coupon_update = strawberry.field(
        resolver=resolvers.coupon.update,
        graphql_type=CouponUpdatePayload,
        description="Sellers: change a coupon; once claimed or promised, only for the better.",
    )
    coupon_end = strawberry.field(
        resolver=resolvers.coupon.end,
        graphql_type=CouponEndPayload,
        description="Sellers: let nobody claim a coupon any more; what is claimed stays good.",
    )
    coupon_claim = strawberry.field(
        resolver=resolvers.offer.claim, graphql_type=CouponClaimPayload, description="Shoppers: claim a coupon."
    )
    coupon_redeem = strawberry.field(
        resolver=resolvers.offer.redeem,
        graphql_type=CouponRedeemPayload,
        description="Platform: use a customer's claim with an order.",
    )
    message_mark_read = strawberry.field(
        resolver=resolvers.message.mark_read,
        graphql_type=MessageMarkReadPayload,
        description="Shoppers: note that a message was read; the first time counts.",
    )
    message_click = strawberry.field(
        resolver=resolvers.message.click,
        graphql_type=MessageClickPayload,
        description="Shoppers: note that a message was clicked, which is also a read.",
    )
    message_reply = strawberry.field(
        resolver=resolvers.conversation.reply,
        graphql_type=MessageReplyPayload,
        description="Shoppers: reply to a message, which opens a conversation that the shop can see and answer.",
    )
    conversation_answer = strawberry.field(
        resolver=resolvers.conversation.answer,
        graphql_type=ConversationAnswerPayload,
        description="Sellers: answer in a conversation that a shopper has opened.",
    )
    shop_block = strawberry.field(
        resolver=resolvers.consent.block,
        graphql_type=ShopBlockPayload,
        description="Shoppers: let nothing more of a shop's chat arrive, from now on, running plans included.",
    )
    shop_unblock = strawberry.field(
        resolver=resolvers.consent.unblock,
        graphql_type=ShopUnblockPayload,
        description="Shoppers: let a shop's chat arrive again.",
    )
    email_unsubscribe = strawberry.field(
        resolver=resolvers.consent.unsubscribe,
        graphql_type=EmailUnsubscribePayload,
        description="Shoppers: let nothing more of a shop's email arrive, from now on, running plans included.",
    )
