// The monitor's answers for the page.

async function read(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? `The monitor answered ${response.status}.`);
  return body;
}

function post(path, body) {
  return fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).then(read);
}

export const state = () => fetch("/api/state").then(read);
export const layout = (choices) => post("/api/layout", { choices });
export const step = (choices, id) => post("/api/step", { choices, id });
