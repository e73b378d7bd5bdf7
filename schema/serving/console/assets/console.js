"use strict";
// GraphiQL, with a panel that has the examples and the tokens of those who ask them.

const { createElement: h, useEffect, useRef, useState } = React;
const { useEditorContext } = GraphiQL.React;

const examples = JSON.parse(document.getElementById("examples").textContent);
const roles = [...new Set(examples.map(example => example.role))];
const tokens = { Seller: "OWNER token", Platform: "PLATFORM token", Shopper: "CUSTOMER token" };  // as a start prints them

// Tokens live as long as the browser's tab, and go nowhere but into requests.
const asking = {
  get role() { return sessionStorage.getItem("role") || roles[0]; },
  set role(role) { sessionStorage.setItem("role", role); },
  tokenOf(role) { return sessionStorage.getItem(`token of ${role}`) || ""; },
  keep(role, token) { sessionStorage.setItem(`token of ${role}`, token.trim().replace(/^bearer\s+/i, "")); },
};

function headersOf(given, accept) {
  const token = asking.tokenOf(asking.role);
  return { "content-type": "application/json", accept, ...(token && { authorization: `Bearer ${token}` }), ...given };
}

function isSubscription(request, { documentAST }) {
  return (documentAST?.definitions ?? []).some(definition =>
    definition.operation === "subscription" && (!request.operationName || definition.name?.value === request.operationName));
}

async function fetcher(request, options = {}) {
  if (isSubscription(request, options)) return subscribe(request, options.headers);
  const response = await post(request, headersOf(options.headers, "application/graphql-response+json, application/json"));
  return response.json();
}

function post(request, headers, signal) {
  return fetch(location.pathname, { method: "POST", headers, body: JSON.stringify(request), signal });
}

// Answers that follow one another, as server-sent events; GraphiQL's stop button closes the connection.
function subscribe(request, given) {
  const closing = new AbortController();
  const answers = answersOf(post(request, headersOf(given, "text/event-stream"), closing.signal));
  return {
    [Symbol.asyncIterator]() { return this; },
    next: () => answers.next(),
    return: async () => { closing.abort(); return { done: true, value: undefined }; },
  };
}

async function* answersOf(asked) {
  const response = await asked;
  if (!response.headers.get("content-type").startsWith("text/event-stream")) return yield response.json();  // refused
  let text = "";
  for (const reader = response.body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (text + value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = event.split("\n").filter(line => line.startsWith("data:")).map(line => line.slice(5).trim()).join("\n");
      if (data) yield JSON.parse(data);
    }
  }
}

function Examples() {
  const { addTab, changeTab, tabs, queryEditor } = useEditorContext({ nonNull: true });
  const [role, setRole] = useState(asking.role);
  const ask = chosen => { asking.role = chosen; setRole(chosen); };
  const open = example => {
    ask(example.role);
    const opened = tabs.findIndex(tab => tab.query === example.query);
    if (opened >= 0) return changeTab(opened);
    if (queryEditor.getValue().trim()) addTab();
    setTimeout(() => queryEditor.setValue(example.query));  // once the new tab has taken the editor
  };
  return h("section", { className: "graphiql-doc-explorer" },
    h("h2", null, "Who asks"),
    h("form", { className: "asking", onSubmit: event => event.preventDefault() }, roles.map(each => h(Asker, { key: each, role: each, isChosen: each === role, ask }))),
    h("h2", null, "Examples"),
    h("div", { className: "examples" }, roles.map(each => h("div", { key: each },
      h("h3", null, each),
      examples.filter(example => example.role === each).map(example =>
        h("button", { key: example.title, type: "button", onClick: () => open(example) }, example.title))))));
}

function Asker({ role, isChosen, ask }) {
  const [token, setToken] = useState(asking.tokenOf(role));
  const change = event => { asking.keep(role, event.target.value); setToken(event.target.value); };
  return h("label", null,
    h("input", { type: "radio", name: "role", checked: isChosen, onChange: () => ask(role) }),
    h("span", null, role),
    h("input", { type: "password", placeholder: tokens[role], value: token, onChange: change, autoComplete: "off", "aria-label": `${role}'s token` }));
}

// GraphiQL begins with its panel hidden and has no option for it, so the panel's button is pressed as soon as it is there.
function Icon() {
  const icon = useRef(null);
  useEffect(() => icon.current.closest("button").click(), []);
  return h("svg", { ref: icon, viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 1.5 },
    h("path", { d: "M4 6h2m3 0h11M4 12h2m3 0h11M4 18h2m3 0h11" }));
}

ReactDOM.createRoot(document.getElementById("console")).render(h(GraphiQL, {
  fetcher,
  plugins: [{ title: "Examples", icon: Icon, content: Examples }],
  defaultTabs: [{ query: examples[0].query }],
  shouldPersistHeaders: false,
}));
