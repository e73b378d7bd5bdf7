"""What tests select of each type of the schema: every field that its owner may see, as far as one question has room."""

CUSTOMER = (
    "id externalId name language timeZone country region emailConsent { state source at } isSuppressed chatBlockedAt"
)
PRODUCT = "id externalId title category price { amount currency } imageUrl"
PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"
ACCESS_CHANGE = "stateFrom stateTo mayEmail reason score gmv changedAt"
CHAT_PLATFORM = "url secret rotatedAt createdAt updatedAt"
SHOP = (
    "id externalId name currency timeZone defaultLanguage country score gmv { amount currency } gmvDays storeUrl mailTracking"
    " emailSender { address replyTo postalAddress unmet domain { domain state checkedAt findings { check passes message } } }"
    " quota { week tier basic readReward unsubscribeReward total used left refreshesAt"
    " comparison { peers sent read unsubscribed readBeaten unsubscribeBeaten } }"
    " holdout { planPercent controlPercent controlSince } messagesPerMinute quietHours { hours { since until } exceptions { region hours { since until } } }"
    f" access {{ state reason mayEmail since history(first: 1) {{ edges {{ cursor node {{ {ACCESS_CHANGE} }} }}"
    f" nodes {{ {ACCESS_CHANGE} }} {PAGE_INFO} }} }}"
    f" chatPlatform {{ {CHAT_PLATFORM} }} createdAt"
)
COUPON = (
    "id name code visibility status segment { id } percentage amount { amount currency }"
    " minimumSpend { amount currency } products { id title } startsAt endsAt totalLimit customerLimit claimed endedAt"
    " createdAt updatedAt"
)
OFFER = (
    "id name gives percentage amount { amount currency } minimumSpend { amount currency } startsAt endsAt status"
    " claimsLeft"
)
CLAIM = f"id code offer {{ {OFFER} }} claimedAt redeemedAt discount {{ amount currency }}"
ENTRY = "action statusFrom statusTo actor reason happenedAt"
TRIAL = "address language variant state reason createdAt settledAt"
SEGMENT = (
    f"id name preset version conditions text advice size archivedAt createdAt updatedAt"
    f" members(first: 5) {{ edges {{ cursor node {{ {CUSTOMER} }} }} nodes {{ {CUSTOMER} }} {PAGE_INFO} }}"
)
INSIGHT = (
    "membership(customerId: $customer) { isMember hasInteracted reasons { path text holds found decides } }"
    " profile { size ages { least below count } genders { value count } regions { value count }"
    " languages { value count } orders { least below count } lifetimeValues { least below count } }"
    " sizeHistory { day size version measuredAt } versions { version conditions text changedAt }"
)
PROGRESS = (
    "planId version status statusReason isStopped isResolved recipients pending inFlight sent failed unknown mayRepeat"
    " breakdown { state reason channel language count }"
)
PLAN = (
    f"id kind name channel status statusReason segment {{ {SEGMENT} }} template"
    f" texts {{ language text subject preheader }} products {{ {PRODUCT} }} imageUrl coupon {{ id name }} button holdoutPercent sendAt localTime deadline createdAt updatedAt"
    " trigger smartCoupon endsAt quietFrom quietUntil"
    " parameters { steps watchedDays minimumDropPercent watchedBy followersOnly useProductCycle }"
    f" submittedAt startedAt finishedAt progress {{ {PROGRESS} }} allowedActions trials {{ {TRIAL} }}"
    f" history(first: 1) {{ edges {{ cursor node {{ {ENTRY} }} }} nodes {{ {ENTRY} }} {PAGE_INFO} }}"
)
OUTCOME = "state reason count"
ACTIVITY = (
    "sent read clicked readByMachines clickedByMachines replied unsubscribed couponsClaimed couponsRedeemed orders gmv"
)
PART = f"key activity {{ {ACTIVITY} }} readRate clickRate orderRate"
OF_PRODUCT = f"product {{ id title }} activity {{ {ACTIVITY} }}"
FIGURES = (
    f"recipients delivered unknown toGo failed {{ {OUTCOME} }} heldBack {{ {OUTCOME} }} waiting {{ {OUTCOME} }}"
    " read clicked readByMachines clickedByMachines replied unsubscribed couponsClaimed couponsRedeemed orders buyers"
    " gmv { amount currency } ordersTakenBack gmvTakenBack { amount currency }"
    " deliveryRate readRate clickRate replyRate unsubscribeRate orderRate funnel { touched viewed carted ordered }"
    f" parts {{ channels {{ {PART} }} languages {{ {PART} }} products {{ {OF_PRODUCT} }} }}"
)
EXPERIMENT = (
    "percent metric hours decidesAt decidedAt winner verdict { best pValue isSignificant }"
    " variants { name texts { language text } coupon { id name } result { delivered read clicked buyers gmv } }"
)
LIFT_GROUP = "customers buyers orders gmv"
LIFT_DIFFERENCE = "treated heldOut difference low high isSure extra extraLow extraHigh"
COMPARISON = (
    f"comparison {{ treated {{ {LIFT_GROUP} }} heldOut {{ {LIFT_GROUP} }} buyers {{ {LIFT_DIFFERENCE} }}"
    f" gmv {{ {LIFT_DIFFERENCE} }} shortage }}"
)
LIFT = f"currency days since until isComplete {COMPARISON}"
SHOP_LIFT = (
    f"first last currency days plans isComplete {COMPARISON}"
    f" controlGroups {{ beginsAt endsAt currency isComplete {COMPARISON} }}"
)
RECOMMENDATION = (
    "id kind priority message numbers { name value } segment { id name } coupon { id name } timeZone language"
)
PERFORMANCE = "until plans delivered read clicked orders gmv { amount currency } readRate clickRate orderRate"
OVERVIEW = (
    f"first last currency days {{ day activity {{ {ACTIVITY} }} }} total {{ {ACTIVITY} }} before {{ {ACTIVITY} }}"
    f" channels {{ key activity {{ {ACTIVITY} }} }} languages {{ key activity {{ {ACTIVITY} }} }}"
    f" plans {{ plan {{ id name }} activity {{ {ACTIVITY} }} }} products {{ {OF_PRODUCT} }}"
)
SCENARIO = (
    "code name kind destination variables { name kind meaning sample }"
    " templates { language { tag name reviewedByNativeSpeaker } title text subject preheader button }"
)
MESSAGE_ALONE = "id sender { id name isBlocked } text language sentAt readAt clickedAt conversation { id size }"
MESSAGE = (
    f"{MESSAGE_ALONE} imageUrl button {{ destination label url }}"
    f" products {{ externalId title price {{ amount currency }} imageUrl url }} coupon {{ {OFFER} }}"
)
VIOLATION = "shopId shopExternalId planId way words field text actor count firstAt lastAt"
REMARK = "number author text plan { id name } writtenAt"
CONVERSATION = (
    f"id customer {{ {CUSTOMER} }} openedAt lastAt lastAuthor size"
    f" remarks(first: 5) {{ edges {{ cursor node {{ {REMARK} }} }} nodes {{ {REMARK} }} {PAGE_INFO} }}"
)
WEBHOOK_POSTING = "messageId fact state attempts answer happenedAt triedAt notBefore settledAt"
SENDING = "isStopped reason stoppedAt stoppedBy inFlight"
TRIGGERS = (
    "{ triggers { code title description parameters { name kind description default least greatest most options }"
    " variables button hasProducts isMarketing } }"
)
ERRORS = "userErrors { field message code rule }"
ROWS = "results { index id errors { field message code } }"


def connection(node: str) -> str:
    return f"{{ edges {{ cursor node {{ {node} }} }} nodes {{ {node} }} {PAGE_INFO} }}"


TIMELINE = (
    "at kind what reason channel language messageId plan { id name } coupon { id name } product { id title } order"
    " amount { amount currency } seconds considered { couponId verdict saving }"
)
WEBHOOK = (
    "id url description facts secret isEnabled disabledAt disabledReason failingSince rotatedAt createdAt updatedAt"
    f" postings(first: 2) {connection(WEBHOOK_POSTING)}"
)
ANY_NODE = f"""... on Shop {{ {SHOP} }} ... on Segment {{ {SEGMENT} }} ... on Plan {{ {PLAN} }}
  ... on Conversation {{ conversationSize: size lastAuthor }}
  ... on Coupon {{ couponName: name couponStatus: status }} ... on Customer {{ customerExternalId: externalId customerName: name }} ... on Product {{ {PRODUCT} }} ... on Message {{ {MESSAGE_ALONE} }}"""
