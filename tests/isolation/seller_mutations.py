"""What sellers change."""

from models.caller import Role
from tests.factories import TEXTS
from tests.isolation.case import Case, mutation
from tests.selections import CHAT_PLATFORM, CONVERSATION, COUPON, PLAN, SEGMENT, SHOP, TRIAL, WEBHOOK, WEBHOOK_POSTING

TEXT_LIST = [{"language": tag, **text} for tag, text in TEXTS.items()]

AT = "2026-01-10T00:00:00Z"

CASES: dict[str, Case] = {
    "Mutation.quietHoursUpdate": Case(
        Role.OWNER,
        mutation(
            "quietHoursUpdate", "quietHours { hours { since until } exceptions { region hours { since until } } }"
        ),
        lambda _: {
            "input": {
                "hours": {"since": "21:00", "until": "09:00"},
                "exceptions": [{"region": "MX-JAL"}, {"region": "MX"}],
            }
        },
        mentions_owner=False,
    ),
    "Mutation.segmentCreate": Case(
        Role.OWNER,
        mutation("segmentCreate", f"segment {{ {SEGMENT} }}"),
        lambda ids: {
            "input": {
                "name": "new",
                "conditions": {"any": [{"orders": {"min": 1}}, {"messageRead": {"plan": ids["Plan"]}}]},
            }
        },
    ),
    "Mutation.segmentUpdate": Case(
        Role.OWNER,
        mutation("segmentUpdate", f"segment {{ {SEGMENT} }}"),
        lambda ids: {"input": {"id": ids["Own"], "text": "orders >= 1"}},
    ),
    "Mutation.segmentDuplicate": Case(
        Role.OWNER,
        mutation("segmentDuplicate", f"segment {{ {SEGMENT} }}"),
        lambda ids: {"input": {"id": ids["Segment"]}},
    ),
    "Mutation.segmentArchive": Case(
        Role.OWNER,
        mutation("segmentArchive", f"segment {{ {SEGMENT} }}"),
        lambda ids: {"input": {"id": ids["Own"]}},
    ),
    "Mutation.planCreate": Case(
        Role.OWNER,
        mutation("planCreate", f"plan {{ {PLAN} }}"),
        lambda ids: {
            "input": {
                "name": "new",
                "channel": "CHAT",
                "segmentId": ids["Segment"],
                "texts": TEXT_LIST,
                "productIds": [ids["Product"]],
                "couponId": ids["Coupon"],
                "experiment": {"variants": [{"couponId": ids["Coupon"]}]},
            }
        },
    ),
    "Mutation.planUpdate": Case(
        Role.OWNER,
        mutation("planUpdate", f"plan {{ {PLAN} }}"),
        lambda ids: {"input": {"id": ids["Draft"], "template": "WIN_BACK"}},
    ),
    "Mutation.automatedPlanCreate": Case(
        Role.OWNER,
        mutation("automatedPlanCreate", f"plan {{ {PLAN} }}"),
        lambda ids: {
            "input": {
                "name": "new",
                "trigger": "WELCOME_FOLLOWER",
                "segmentId": ids["Segment"],
                "productIds": [ids["Product"]],
                "couponId": ids["Coupon"],
            }
        },
    ),
    "Mutation.automatedPlanUpdate": Case(
        Role.OWNER,
        mutation("automatedPlanUpdate", f"plan {{ {PLAN} }}"),
        lambda ids: {"input": {"id": ids["Automated"], "template": "WIN_BACK"}},
    ),
    "Mutation.planSubmit": Case(
        Role.OWNER, mutation("planSubmit", f"plan {{ {PLAN} }}"), lambda ids: {"input": {"id": ids["Draft"]}}
    ),
    "Mutation.planCancel": Case(
        Role.OWNER, mutation("planCancel", f"plan {{ {PLAN} }}"), lambda ids: {"input": {"id": ids["Plan"]}}
    ),
    "Mutation.planPause": Case(
        Role.OWNER, mutation("planPause", f"plan {{ {PLAN} }}"), lambda ids: {"input": {"id": ids["Plan"]}}
    ),
    "Mutation.planResume": Case(
        Role.OWNER, mutation("planResume", f"plan {{ {PLAN} }}"), lambda ids: {"input": {"id": ids["Paused"]}}
    ),
    "Mutation.planRetryFailed": Case(
        Role.OWNER,
        mutation("planRetryFailed", f"plan {{ {PLAN} }}"),
        lambda ids: {"input": {"id": ids["Plan"], "includeUnknown": True}},
        mentions_owner=False,
    ),
    "Mutation.planDuplicate": Case(
        Role.OWNER, mutation("planDuplicate", f"plan {{ {PLAN} }}"), lambda ids: {"input": {"id": ids["Plan"]}}
    ),
    "Mutation.planDelete": Case(
        Role.OWNER, mutation("planDelete", f"plan {{ {PLAN} }}"), lambda ids: {"input": {"id": ids["Draft"]}}
    ),
    "Mutation.planCreateFromCoupon": Case(
        Role.OWNER,
        mutation("planCreateFromCoupon", f"plan {{ {PLAN} }}"),
        lambda ids: {"input": {"couponId": ids["Coupon"]}},
    ),
    "Mutation.planTestSend": Case(
        Role.OWNER,
        mutation("planTestSend", f"trials {{ {TRIAL} }}"),
        lambda ids: {"input": {"id": ids["Draft"], "addresses": ["someone@example.com"]}},
        mentions_owner=False,
    ),
    "Mutation.holdoutUpdate": Case(
        Role.OWNER,
        mutation("holdoutUpdate", "holdout { planPercent controlPercent controlSince }"),
        lambda _: {"input": {"planPercent": 5, "controlPercent": 1}},
        mentions_owner=False,
    ),
    "Mutation.chatPlatformConnect": Case(
        Role.OWNER,
        mutation("chatPlatformConnect", f"chatPlatform {{ {CHAT_PLATFORM} }}"),
        lambda _: {"input": {"url": "https://chat.example/next"}},
        mentions_owner=False,
    ),
    "Mutation.chatPlatformRotateSecret": Case(
        Role.OWNER,
        mutation("chatPlatformRotateSecret", f"chatPlatform {{ {CHAT_PLATFORM} }}"),
        lambda _: {"input": {}},
    ),
    "Mutation.chatPlatformDisconnect": Case(
        Role.OWNER, mutation("chatPlatformDisconnect", f"shop {{ {SHOP} }}"), lambda _: {"input": {}}
    ),
    "Mutation.senderCheck": Case(
        Role.OWNER,
        mutation("senderCheck", "domain { domain state checkedAt findings { check passes message } }"),
        lambda _: {"input": {}},
        mentions_owner=False,
    ),
    "Mutation.webhookCreate": Case(
        Role.OWNER,
        mutation("webhookCreate", "webhook { url facts secret }"),
        lambda _: {"input": {"url": "https://hook.example/next", "facts": ["COUPON_CLAIMED"]}},
        mentions_owner=False,
    ),
    "Mutation.webhookUpdate": Case(
        Role.OWNER,
        mutation("webhookUpdate", f"webhook {{ {WEBHOOK} }}"),
        lambda ids: {"input": {"id": ids["Webhook"], "isEnabled": False}},
    ),
    "Mutation.webhookRotateSecret": Case(
        Role.OWNER,
        mutation("webhookRotateSecret", f"webhook {{ {WEBHOOK} }}"),
        lambda ids: {"input": {"id": ids["Webhook"]}},
    ),
    "Mutation.webhookTest": Case(
        Role.OWNER,
        mutation("webhookTest", f"posting {{ {WEBHOOK_POSTING} }}"),
        lambda ids: {"input": {"id": ids["Webhook"]}},
        mentions_owner=False,
    ),
    "Mutation.webhookDelete": Case(
        Role.OWNER, mutation("webhookDelete", "webhookId"), lambda ids: {"input": {"id": ids["Webhook"]}}
    ),
    "Mutation.recommendationDismiss": Case(
        Role.OWNER,
        mutation("recommendationDismiss", "id"),
        lambda ids: {"input": {"id": ids["Recommendation"]}},
        mentions_owner=False,
    ),
    "Mutation.couponCreate": Case(
        Role.OWNER,
        mutation("couponCreate", f"coupon {{ {COUPON} }}"),
        lambda ids: {
            "input": {
                "name": "new",
                "visibility": "TARGETED",
                "discount": {"percentage": 5},
                "startsAt": AT,
                "endsAt": "2026-02-10T00:00:00Z",
                "totalLimit": 5,
                "segmentId": ids["Segment"],
                "productIds": [ids["Product"]],
            }
        },
    ),
    "Mutation.couponUpdate": Case(
        Role.OWNER,
        mutation("couponUpdate", f"coupon {{ {COUPON} }}"),
        lambda ids: {"input": {"id": ids["Coupon"], "totalLimit": 500}},
    ),
    "Mutation.couponEnd": Case(
        Role.OWNER, mutation("couponEnd", f"coupon {{ {COUPON} }}"), lambda ids: {"input": {"id": ids["Coupon"]}}
    ),
    "Mutation.conversationAnswer": Case(
        Role.OWNER,
        mutation("conversationAnswer", f"conversation {{ {CONVERSATION} }}"),
        lambda ids: {"input": {"id": ids["Conversation"], "text": "Very."}},
    ),
}
