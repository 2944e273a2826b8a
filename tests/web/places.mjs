// The pages: who sees each, and its budget in bytes over the wire, with all of its files.

const PUBLIC = 30 * 1024;
const OWN = 60 * 1024;

// desk.test.mjs draws better pictures of those marked as pictured.
export const PAGES = [
  { name: "welcome", path: "/", most: PUBLIC },
  { name: "log", path: "/log", most: PUBLIC },
  { name: "status", path: "/status", most: PUBLIC },
  { name: "not-found", path: "/nothing/here", most: PUBLIC },
  { name: "market", path: "/market", who: "ada-lindqvist", most: OWN },
  { name: "security", path: "/securities/HRBR", who: "ada-lindqvist", most: OWN },
  { name: "orders", path: "/orders", who: "ada-lindqvist", most: OWN },
  { name: "order", path: async (page) => (await page.goto("/orders"), page.locator(".orders a").first().getAttribute("href")), who: "ada-lindqvist", most: OWN },
  { name: "confirmation", pictured: true, path: async (page) => `/orders/${(await listed(page, "/v1/orders?state=filled", "orders")).id}/confirmation`, who: "ada-lindqvist", most: OWN },
  { name: "desk", pictured: true, path: "/desk", who: "dana", most: OWN },
  { name: "desk-match", pictured: true, path: async (page) => `/desk/matches/${(await listed(page, "/v1/matches", "matches")).id}`, who: "ruth", most: OWN },
  { name: "desk-blotter", pictured: true, path: "/desk/blotter", who: "ruth", most: OWN },
  { name: "desk-reports", pictured: true, path: "/desk/reports", who: "ruth", most: OWN },
  { name: "desk-people", pictured: true, path: "/desk/people", who: "rita", most: OWN },
  { name: "no-market", path: "/market", who: "stranger", most: OWN },
];

// The first entry of a list of the API.
const listed = async (page, path, name) => (await (await page.request.get(path)).json())[name][0];
