// One plan from draft to SENT, by any client: what differs between clients is given as `ask` and `watch`.

export const [url, token] = process.argv.slice(2);
export const socketUrl = url.replace(/^http/, "ws");
export const authorization = `Bearer ${token}`;

export const SEGMENTS = `query Segments { segments { nodes { id preset } } }`;
export const CREATE = `mutation Create($input: PlanCreateInput!) {
  planCreate(input: $input) { plan { id status } userErrors { field message code } }
}`;
export const SUBMIT = `mutation Submit($input: PlanSubmitInput!) {
  planSubmit(input: $input) { plan { id status } userErrors { field message code } }
}`;
export const PROGRESS = `subscription Progress($planId: ID!) {
  planProgress(planId: $planId) { version status recipients sent }
}`;

// `ask(text, variables)` promises data; `watch(text, variables, next)` promises the end of a subscription.
export async function drive({ ask, watch }) {
  const { segments } = await ask(SEGMENTS);
  const segment = segments.nodes.find((each) => each.preset === "REPEAT");
  const texts = [{ language: "en", text: "Hi {name}" }, { language: "es", text: "Hola {name}" }];
  const { planCreate } = await ask(CREATE, { input: { name: "Spring", channel: "CHAT", segmentId: segment.id, texts } });
  const { id } = planCreate.plan;
  const seen = [];
  const over = watch(PROGRESS, { planId: id }, ({ planProgress }) => {
    seen.push(planProgress);
    if (seen.length === 1) ask(SUBMIT, { input: { id } });
  });
  await over;
  console.log(JSON.stringify(seen));
  process.exit(0);
}
