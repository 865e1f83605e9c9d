// The panel that makes the workspace misbehave: what is on, until when, and what can be set off at once.

import { h, post, toast } from "./workspace.dom.js";
import { sign } from "./workspace.icons.js";

const METHODS = ["messages", "*", "chat.postMessage", "chat.update", "chat.postEphemeral", "views.open", "views.update", "views.publish",
  "files.completeUploadExternal", "users.info", "conversations.history"];
const NAMES = { messages: "anything people see", "*": "any method" };
const KINDS = [["ratelimited", "429, try again later"], ["500", "500, internal error"], ["503", "503, unavailable"], ["lost", "done, but the answer is lost"],
  ["drop", "cut before the work"], ["slow:5", "take five seconds"], ["not_in_channel", "not_in_channel"], ["is_archived", "is_archived"],
  ["message_not_found", "message_not_found"]];
const BLOCKS = ["table", "card", "carousel", "markdown", "alert", "context_actions"];

const send = (body) => post("faults", body).catch((error) => toast(error.message));
const option = (chosen) => ([value, text]) => h("option", { value, selected: value === String(chosen) }, text);
const row = (label, ...nodes) => h("div", { class: "trouble-row" }, h("span", {}, label), nodes);
const part = (title, ...nodes) => h("section", { class: "trouble-part" }, h("h3", {}, title), nodes);
const press = (key, text, body) => h("button", { type: "button", class: "button", "data-key": key, onclick: () => send(body) }, text);

function toggle(key, label, on, body) {
  return h("label", { class: "switch" }, h("span", {}, label),
    h("input", { type: "checkbox", role: "switch", checked: on, "data-key": key, onchange: (event) => send(body(event.target.checked)) }));
}

function pick(key, label, rows, chosen, body) {
  return h("select", { class: "select", "aria-label": label, "data-key": key, onchange: (event) => send(body(event.target.value)) }, rows.map(option(chosen)));
}

/** How many things are switched on. */
export function troubles(faults) {
  const planned = Object.values(faults.planned).reduce((sum, kinds) => sum + kinds.length, 0);
  const on = [faults.slow_network, faults.double_clicks, faults.refuse_sockets, faults.silent_sockets, faults.rate_limits, faults.held, faults.random.length];
  return planned + Object.keys(faults.always).length + faults.unknown_blocks.length + on.filter(Boolean).length;
}

/** The panel's content for these faults. */
export function drawTrouble(faults, close) {
  const count = troubles(faults);
  return [
    h("header", { class: "heading" }, h("h2", {}, "Misbehave"),
      h("button", { type: "button", class: "button", "data-key": "clear", "aria-disabled": count ? undefined : "true", onclick: () => count && send({ clear: true }) }, count ? `Behave again (${count})` : "Behaving"),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close the Misbehave panel", "data-key": "close", onclick: close }, sign("close"))),
    h("div", { class: "trouble-body" },
      next(faults),
      part("Until switched off",
        row("Anything people see", pick("always", "Every call that shows something", [["", "works"], ...KINDS.slice(0, 5)], faults.always.messages || "",
          (kind) => (kind ? { always: "messages", fault: kind, retry_after: 2 } : { never: "messages" }))),
        row("Slow network", pick("slow", "Seconds added to everything", [["0", "off"], ["1", "1 s"], ["2", "2 s"], ["4", "4 s"], ["10", "10 s"]], faults.slow_network,
          (value) => ({ switch: "slow_network", value }))),
        toggle("rates", "Slack’s own rate limits", faults.rate_limits, (value) => ({ switch: "rate_limits", value }))),
      part("Block types it does not know yet", h("div", { class: "chips" }, BLOCKS.map((kind) => chip(kind, faults)))),
      part("Clicks",
        row("The next clicks, twice", pick("double", "How many clicks are sent twice", [["0", "off"], ["1", "1"], ["3", "3"], ["10", "10"], ["1000", "all"]],
          faults.double_clicks in { 0: 1, 1: 1, 3: 1, 10: 1 } ? faults.double_clicks : 1000, (value) => ({ switch: "double_clicks", value }))),
        press("again", "Send the last click again", { do: "click-again" }),
        h("p", { class: "quiet" }, `${faults.clicks} so far, ${faults.unacknowledged} not acknowledged`)),
      part("Events",
        h("div", { class: "trouble-buttons" },
          press("redeliver", "Last one again", { do: "redeliver" }),
          press("redeliver-new", "Again, new event id", { do: "redeliver-new" }),
          press("reverse", "Swap the next two", { do: "reverse", count: 2 }),
          faults.held > 0 && press("release", `Deliver the ${faults.held} held back`, { do: "release" })),
        h("p", { class: "quiet" }, `${faults.events} delivered`)),
      part("Socket Mode",
        h("p", { class: "quiet" }, faults.sockets === 1 ? "1 connection" : `${faults.sockets} connections`),
        toggle("silent", "Open, but silent", faults.silent_sockets, (value) => ({ switch: "silent_sockets", value })),
        toggle("refuse", "Refuse new connections", faults.refuse_sockets, (value) => ({ switch: "refuse_sockets", value })),
        h("div", { class: "trouble-buttons" },
          press("warning", "Warn of a disconnect", { do: "warning" }),
          press("refresh", "Disconnect", { do: "refresh_requested" })))),
  ];
}

function next(faults) {
  const method = h("select", { class: "select", "aria-label": "Which calls", "data-key": "method" }, METHODS.map((name) => h("option", { value: name }, NAMES[name] || name)));
  const kind = h("select", { class: "select", "aria-label": "What happens", "data-key": "kind" }, KINDS.map(option("")));
  const times = h("input", { class: "field", type: "number", min: 1, max: 50, value: 1, "aria-label": "How many calls", "data-key": "times" });
  const plan = () => send({ method: method.value, fault: kind.value, times: Number(times.value), retry_after: 2 });
  const planned = Object.entries(faults.planned).map(([name, kinds]) => h("li", {}, `${NAMES[name] || name}: ${counted(kinds)}`));
  return part("The next calls", h("div", { class: "trouble-next" }, method, kind, times,
    h("button", { type: "button", class: "button danger", "data-key": "plan", onclick: plan }, "Plan")), planned.length > 0 && h("ul", { class: "planned" }, planned));
}

function counted(kinds) {
  const counts = kinds.reduce((all, kind) => ({ ...all, [kind]: (all[kind] || 0) + 1 }), {});
  return Object.entries(counts).map(([kind, count]) => `${count} × ${kind}`).join(", ");
}

function chip(kind, faults) {
  const on = faults.unknown_blocks.includes(kind);
  const value = on ? faults.unknown_blocks.filter((one) => one !== kind) : [...faults.unknown_blocks, kind];
  return h("button", { type: "button", class: on ? "chip on" : "chip", "aria-pressed": String(on), "data-key": `block-${kind}`,
    onclick: () => send({ switch: "unknown_blocks", value }) }, kind);
}
