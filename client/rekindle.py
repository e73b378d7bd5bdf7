"""Made from schema.graphql and client/operations.graphql by `python -m client`: change those, not this."""

from __future__ import annotations  # an input may hold itself

from typing import Literal, NotRequired, TypedDict, Unpack

from client.connection import Connection


class WriteShopsShopsUpsertResultsErrors(TypedDict):
    field: list[str]
    message: str
    code: str

class WriteShopsShopsUpsertResults(TypedDict):
    index: int
    id: str | None
    errors: list[WriteShopsShopsUpsertResultsErrors]

class WriteShopsShopsUpsertUserErrors(TypedDict):
    field: list[str]
    message: str
    code: str

class WriteShopsShopsUpsert(TypedDict):
    results: list[WriteShopsShopsUpsertResults] | None
    userErrors: list[WriteShopsShopsUpsertUserErrors]

class WriteShops(TypedDict):
    shopsUpsert: WriteShopsShopsUpsert

class ShopInput(TypedDict):
    externalId: str
    name: str
    currency: str
    timeZone: str
    defaultLanguage: str
    country: NotRequired[str | None]
    score: NotRequired[float | None]
    gmv: NotRequired[int | None]
    gmvDays: NotRequired[int | None]
    tier: NotRequired[str | None]
    storeUrl: NotRequired[str | None]
    senderAddress: NotRequired[str | None]
    replyTo: NotRequired[str | None]
    postalAddress: NotRequired[str | None]
    mailTracking: NotRequired[bool | None]

class ShopsUpsertInput(TypedDict):
    rows: list[ShopInput]
    idempotencyKey: NotRequired[str | None]

class WriteShopsVariables(TypedDict):
    input: ShopsUpsertInput

class WriteCustomersCustomersUpsertResultsErrors(TypedDict):
    field: list[str]
    message: str
    code: str

class WriteCustomersCustomersUpsertResults(TypedDict):
    index: int
    id: str | None
    errors: list[WriteCustomersCustomersUpsertResultsErrors]

class WriteCustomersCustomersUpsertUserErrors(TypedDict):
    field: list[str]
    message: str
    code: str

class WriteCustomersCustomersUpsert(TypedDict):
    results: list[WriteCustomersCustomersUpsertResults] | None
    userErrors: list[WriteCustomersCustomersUpsertUserErrors]

class WriteCustomers(TypedDict):
    customersUpsert: WriteCustomersCustomersUpsert

Gender = Literal["FEMALE", "MALE", "OTHER"]

ConsentState = Literal["SUBSCRIBED", "UNSUBSCRIBED", "NEVER"]

class EmailConsentInput(TypedDict):
    state: ConsentState
    source: NotRequired[str | None]
    at: str

class CustomerInput(TypedDict):
    externalId: str
    name: NotRequired[str | None]
    email: NotRequired[str | None]
    language: NotRequired[str | None]
    timeZone: NotRequired[str | None]
    country: NotRequired[str | None]
    region: NotRequired[str | None]
    gender: NotRequired[Gender | None]
    birthDate: NotRequired[str | None]
    emailConsent: NotRequired[EmailConsentInput | None]

class CustomersUpsertInput(TypedDict):
    shop: str
    rows: list[CustomerInput]
    idempotencyKey: NotRequired[str | None]

class WriteCustomersVariables(TypedDict):
    input: CustomersUpsertInput

class WriteOrdersOrdersUpsertResultsErrors(TypedDict):
    field: list[str]
    message: str
    code: str

class WriteOrdersOrdersUpsertResults(TypedDict):
    index: int
    id: str | None
    errors: list[WriteOrdersOrdersUpsertResultsErrors]

class WriteOrdersOrdersUpsertUserErrors(TypedDict):
    field: list[str]
    message: str
    code: str

class WriteOrdersOrdersUpsert(TypedDict):
    results: list[WriteOrdersOrdersUpsertResults] | None
    userErrors: list[WriteOrdersOrdersUpsertUserErrors]

class WriteOrders(TypedDict):
    ordersUpsert: WriteOrdersOrdersUpsert

OrderStatus = Literal["PLACED", "CANCELLED", "REFUNDED"]

class OrderInput(TypedDict):
    externalId: str
    customer: str
    orderedAt: str
    amount: int
    currency: str
    status: NotRequired[OrderStatus]
    cancelledAt: NotRequired[str | None]
    products: NotRequired[list[str] | None]

class OrdersUpsertInput(TypedDict):
    shop: str
    rows: list[OrderInput]
    idempotencyKey: NotRequired[str | None]

class WriteOrdersVariables(TypedDict):
    input: OrdersUpsertInput

class SegmentsSegmentsNodes(TypedDict):
    id: str
    name: str
    preset: str | None
    size: int

class SegmentsSegmentsPageInfo(TypedDict):
    hasNextPage: bool
    endCursor: str | None

class SegmentsSegments(TypedDict):
    nodes: list[SegmentsSegmentsNodes]
    pageInfo: SegmentsSegmentsPageInfo

class Segments(TypedDict):
    segments: SegmentsSegments

class SegmentsVariables(TypedDict):
    first: NotRequired[int | None]
    after: NotRequired[str | None]

class CreatePlanPlanCreatePlan(TypedDict):
    id: str
    status: str

class CreatePlanPlanCreateUserErrors(TypedDict):
    field: list[str]
    message: str
    code: str
    rule: str | None

class CreatePlanPlanCreate(TypedDict):
    plan: CreatePlanPlanCreatePlan | None
    userErrors: list[CreatePlanPlanCreateUserErrors]

class CreatePlan(TypedDict):
    planCreate: CreatePlanPlanCreate

PlanChannel = Literal["CHAT", "EMAIL", "CHAT_THEN_EMAIL"]

class PlanTextInput(TypedDict):
    language: str
    text: str
    subject: NotRequired[str | None]
    preheader: NotRequired[str | None]

Destination = Literal["STORE", "PRODUCTS", "PRODUCT", "CART", "LIVE"]

class PlanVariantInput(TypedDict):
    texts: NotRequired[list[PlanTextInput] | None]
    couponId: NotRequired[str | None]

ExperimentMetric = Literal["READ", "CLICK", "ORDER"]

class PlanExperimentInput(TypedDict):
    variants: list[PlanVariantInput]
    percent: NotRequired[int]
    metric: NotRequired[ExperimentMetric]
    hours: NotRequired[int]

class PlanCreateInput(TypedDict):
    name: str
    channel: PlanChannel
    segmentId: str
    texts: NotRequired[list[PlanTextInput]]
    template: NotRequired[str | None]
    productIds: NotRequired[list[str]]
    imageUrl: NotRequired[str | None]
    couponId: NotRequired[str | None]
    button: NotRequired[Destination | None]
    holdoutPercent: NotRequired[int | None]
    experiment: NotRequired[PlanExperimentInput | None]
    sendAt: NotRequired[str | None]
    localTime: NotRequired[str | None]
    idempotencyKey: NotRequired[str | None]

class CreatePlanVariables(TypedDict):
    input: PlanCreateInput

class SubmitPlanPlanSubmitPlan(TypedDict):
    id: str
    status: str
    startedAt: str | None

class SubmitPlanPlanSubmitUserErrors(TypedDict):
    field: list[str]
    message: str
    code: str
    rule: str | None

class SubmitPlanPlanSubmit(TypedDict):
    plan: SubmitPlanPlanSubmitPlan | None
    userErrors: list[SubmitPlanPlanSubmitUserErrors]

class SubmitPlan(TypedDict):
    planSubmit: SubmitPlanPlanSubmit

class PlanSubmitInput(TypedDict):
    id: str
    sendAt: NotRequired[str | None]
    localTime: NotRequired[str | None]
    idempotencyKey: NotRequired[str | None]

class SubmitPlanVariables(TypedDict):
    input: PlanSubmitInput

class PlanProgressPlanProgressBreakdown(TypedDict):
    state: str
    reason: str | None
    channel: str | None
    language: str | None
    count: int

class PlanProgressPlanProgress(TypedDict):
    recipients: int
    sent: int
    failed: int
    breakdown: list[PlanProgressPlanProgressBreakdown]

class PlanProgressPlan(TypedDict):
    status: str
    progress: PlanProgressPlanProgress | None

class PlanProgress(TypedDict):
    plan: PlanProgressPlan | None

class PlanProgressVariables(TypedDict):
    id: str

class PlanExportPlanExport(TypedDict):
    url: str
    expiresAt: str

class PlanExportPlan(TypedDict):
    export: PlanExportPlanExport

class PlanExport(TypedDict):
    plan: PlanExportPlan | None

ExportContent = Literal["LEDGER", "FIGURES"]

ExportFormat = Literal["CSV", "NDJSON"]

class PlanExportVariables(TypedDict):
    id: str
    content: NotRequired[ExportContent | None]
    format: NotRequired[ExportFormat | None]

class Rekindle(Connection):
    """The API, one method for each operation of client/operations.graphql."""

    def write_shops(self, **variables: Unpack[WriteShopsVariables]) -> WriteShops:
        """Run the operation WriteShops."""
        answer: WriteShops = self.run(_WRITE_SHOPS, variables)
        return answer

    def write_customers(self, **variables: Unpack[WriteCustomersVariables]) -> WriteCustomers:
        """Run the operation WriteCustomers."""
        answer: WriteCustomers = self.run(_WRITE_CUSTOMERS, variables)
        return answer

    def write_orders(self, **variables: Unpack[WriteOrdersVariables]) -> WriteOrders:
        """Run the operation WriteOrders."""
        answer: WriteOrders = self.run(_WRITE_ORDERS, variables)
        return answer

    def segments(self, **variables: Unpack[SegmentsVariables]) -> Segments:
        """Run the operation Segments."""
        answer: Segments = self.run(_SEGMENTS, variables)
        return answer

    def create_plan(self, **variables: Unpack[CreatePlanVariables]) -> CreatePlan:
        """Run the operation CreatePlan."""
        answer: CreatePlan = self.run(_CREATE_PLAN, variables)
        return answer

    def submit_plan(self, **variables: Unpack[SubmitPlanVariables]) -> SubmitPlan:
        """Run the operation SubmitPlan."""
        answer: SubmitPlan = self.run(_SUBMIT_PLAN, variables)
        return answer

    def plan_progress(self, **variables: Unpack[PlanProgressVariables]) -> PlanProgress:
        """Run the operation PlanProgress."""
        answer: PlanProgress = self.run(_PLAN_PROGRESS, variables)
        return answer

    def plan_export(self, **variables: Unpack[PlanExportVariables]) -> PlanExport:
        """Run the operation PlanExport."""
        answer: PlanExport = self.run(_PLAN_EXPORT, variables)
        return answer


_WRITE_SHOPS = """
mutation WriteShops($input: ShopsUpsertInput!) {
  shopsUpsert(input: $input) {
    results {
      index
      id
      errors {
        field
        message
        code
      }
    }
    userErrors {
      field
      message
      code
    }
  }
}
"""

_WRITE_CUSTOMERS = """
mutation WriteCustomers($input: CustomersUpsertInput!) {
  customersUpsert(input: $input) {
    results {
      index
      id
      errors {
        field
        message
        code
      }
    }
    userErrors {
      field
      message
      code
    }
  }
}
"""

_WRITE_ORDERS = """
mutation WriteOrders($input: OrdersUpsertInput!) {
  ordersUpsert(input: $input) {
    results {
      index
      id
      errors {
        field
        message
        code
      }
    }
    userErrors {
      field
      message
      code
    }
  }
}
"""

_SEGMENTS = """
query Segments($first: Int = 50, $after: String) {
  segments(first: $first, after: $after) {
    nodes {
      id
      name
      preset
      size
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
"""

_CREATE_PLAN = """
mutation CreatePlan($input: PlanCreateInput!) {
  planCreate(input: $input) {
    plan {
      id
      status
    }
    userErrors {
      field
      message
      code
      rule
    }
  }
}
"""

_SUBMIT_PLAN = """
mutation SubmitPlan($input: PlanSubmitInput!) {
  planSubmit(input: $input) {
    plan {
      id
      status
      startedAt
    }
    userErrors {
      field
      message
      code
      rule
    }
  }
}
"""

_PLAN_PROGRESS = """
query PlanProgress($id: ID!) {
  plan(id: $id) {
    status
    progress {
      recipients
      sent
      failed
      breakdown {
        state
        reason
        channel
        language
        count
      }
    }
  }
}
"""

_PLAN_EXPORT = """
query PlanExport($id: ID!, $content: ExportContent = LEDGER, $format: ExportFormat = CSV) {
  plan(id: $id) {
    export(content: $content, format: $format) {
      url
      expiresAt
    }
  }
}
"""
