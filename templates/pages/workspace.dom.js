// Building elements and talking to the server. Text always enters as text, never as HTML.

import { emojiPicture } from "./workspace.icons.js";

/** Build one element. `props` are properties, `on…` handlers, `aria-…`/`data-…` attributes; children may be strings. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name.includes("-") || name === "role" || name === "for") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Which of several workspaces this page is in; the first where it is empty. */
export const session = { team: "" };

/** Rebuild `node` only when `mark` (any JSON) says something else than before; focus stays on the same `data-key`. */
export function redraw(node, mark, build) {
  const text = JSON.stringify(mark);
  if (node.mark === text) return;
  node.mark = text;
  const key = node.contains(document.activeElement) && document.activeElement.dataset.key;
  node.replaceChildren(...build().flat().filter(Boolean));
  if (key) node.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

/** POST what somebody did; resolves to the server's JSON, rejects with its sentence. */
export async function post(deed, body) {
  const answer = await fetch(`/workspace/${deed}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ team: session.team, ...body }),
  });
  const json = await answer.json();
  if (!answer.ok) throw new Error(json.error || "That did not work.");
  return json;
}

export async function fetchState(me) {
  const answer = await fetch(`/workspace/state?as=${encodeURIComponent(me)}&team=${encodeURIComponent(session.team)}`);
  if (!answer.ok) {
    const { error, somebody } = await answer.json();
    throw Object.assign(new Error(error), { somebody });
  }
  return answer.json();
}

export function toast(text) {
  const node = h("div", { class: "toast" }, emojiPicture("warning"), h("span", {}, text));
  document.getElementById("toasts").append(node);
  setTimeout(() => node.remove(), 8000);
}

/** Keep Tab inside `node` while it is open. */
export function trapFocus(node, event) {
  if (event.key !== "Tab") return;
  const stops = [...node.querySelectorAll("button, [href], input, select, textarea, [tabindex='0']")].filter(
    (stop) => !stop.disabled && stop.offsetParent !== null,
  );
  if (!stops.length) return;
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement === edge || !node.contains(document.activeElement)) {
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0]).focus();
  }
}

/** A menu under `button`: items are {label, run}; arrow keys move, Escape closes. */
export function openMenu(button, items) {
  document.querySelector(".menu")?.remove();
  const close = (back) => {
    menu.remove();
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    if (back) button.focus();
  };
  const outside = (event) => menu.contains(event.target) || close(false);
  const menu = h("ul", { class: "menu", role: "menu" }, items.map((item) => h("li", { role: "none" },
    h("button", { type: "button", role: "menuitem", onclick: () => (close(true), item.run()) }, item.label))));
  menu.addEventListener("keydown", (event) => {
    const all = [...menu.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") event.stopPropagation(), close(true);
    if (event.key === "Tab") close(true);
    if (!step) return;
    event.preventDefault();
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  });
  document.body.append(menu);
  place(menu, button);
  button.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  menu.querySelector("button")?.focus();
}

function place(menu, button) {
  const box = button.getBoundingClientRect();
  const below = box.bottom + menu.offsetHeight + 8 < innerHeight;
  menu.style.left = `${Math.max(8, Math.min(box.left, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = `${below ? box.bottom + 4 : box.top - menu.offsetHeight - 4}px`;
}

/** Ask before doing, as a `confirm` object demands; resolves to true or false. */
export function confirmed(confirm, words) {
  if (!confirm) return Promise.resolve(true);
  return new Promise((resolve) => {
    const before = document.activeElement;
    const done = (answer) => (overlay.remove(), before?.focus(), resolve(answer));
    const yes = h("button", { type: "button", class: `button ${confirm.style || "primary"}`, onclick: () => done(true) },
      confirm.confirm.text);
    const no = h("button", { type: "button", class: "button", onclick: () => done(false) }, confirm.deny.text);
    const dialog = h("div", { class: "modal small", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "confirm-title" },
      h("header", { class: "modal-head" }, h("h2", { id: "confirm-title" }, confirm.title.text)),
      h("div", { class: "modal-body" }, words(confirm.text)),
      h("footer", { class: "modal-foot" }, no, yes));
    const overlay = h("div", { class: "overlay" }, dialog);
    overlay.addEventListener("keydown", (event) => {
      if (event.key === "Escape") event.stopPropagation(), done(false);
      trapFocus(dialog, event);
    });
    document.getElementById("confirms").append(overlay);
    yes.focus();
  });
}

/** A dialog of the page's own. `done(values, data)` may reject with a sentence; `extra` is [label, run] of a third button. */
export function openDialog({ title, body, submit, done, extra }) {
  const before = document.activeElement;
  const close = () => (layer.remove(), before?.focus());
  const form = h("form", { class: "modal small", role: "dialog", "aria-modal": "true", "aria-labelledby": "dialog-title",
    onsubmit: async (event) => {
      event.preventDefault();
      const data = new FormData(form);
      try {
        await done(Object.fromEntries(data), data);
        close();
      } catch (error) {
        problem.textContent = error.message;
        problem.hidden = false;
      }
    } },
    h("header", { class: "modal-head" }, h("h2", { id: "dialog-title" }, title)),
    h("div", { class: "modal-body stacked" }, body),
    h("footer", { class: "modal-foot" },
      extra && h("button", { type: "button", class: "button", onclick: () => (extra[1](), close()) }, extra[0]),
      h("button", { type: "button", class: "button", onclick: close }, "Cancel"),
      h("button", { type: "submit", class: "button primary" }, submit)));
  const problem = h("p", { class: "error", role: "alert", hidden: true });
  form.querySelector(".modal-body").append(problem);
  const layer = h("div", { class: "overlay", onkeydown: (event) => (event.key === "Escape" ? close() : trapFocus(form, event)) }, form);
  document.getElementById("confirms").append(layer);
  (form.querySelector(".modal-body :is(input, select, textarea)") || form.querySelector("button")).focus();
}
