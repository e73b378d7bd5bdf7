// Plain fetch, and graphql-sse for the subscription.
import { createClient } from "graphql-sse";
import { authorization, drive, url } from "./drive.mjs";

const sse = createClient({ url, headers: { authorization } });

await drive({
  async ask(query, variables) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/graphql-response+json", authorization },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()).data;
  },
  watch: (query, variables, next) =>
    new Promise((complete, error) => sse.subscribe({ query, variables }, { next: ({ data }) => next(data), complete, error })),
});
