// Modals: the view in front of its stack, what was typed, inline errors, submitting and closing.

import { h, post, toast, trapFocus } from "./workspace.dom.js";
import { sign } from "./workspace.icons.js";
import { drawBlocks, valueOf } from "./workspace.blocks.js";
import { words } from "./workspace.text.js";

const typed = new Map(); // view id -> the values given so far; survives redraws and switching people
let shown = { key: "", back: "" };

/** Show the top of the stack, or nothing. */
export function drawModals(views, world) {
  const box = document.getElementById("modals");
  const view = views.at(-1);
  const key = view ? `${world.me} ${view.id} ${view.hash} ${views.length}` : "";
  if (key !== shown.key) open(box, view, world, views.length, key);
  if (view) showErrors(box, view.errors);
}

function open(box, view, world, depth, key) {
  const fresh = !box.childElementCount;
  if (fresh && view) shown.back = pathTo(document.activeElement);
  shown.key = key;
  if (!view) {
    box.replaceChildren();
    (document.querySelector(shown.back || "#main") || document.getElementById("main")).focus();
    return;
  }
  box.replaceChildren(overlay(view, world, depth));
  const target = box.querySelector("[data-focus]") || box.querySelector(".modal-body :is(input, textarea, select)") || box.querySelector(".modal");
  target.focus();
}

// A selector, not the node: the message may have been redrawn while the modal was open.
function pathTo(node) {
  const message = node?.closest?.("[data-ts]");
  const action = node?.dataset?.actionId;
  return message && action ? `[data-ts="${CSS.escape(message.dataset.ts)}"] [data-action-id="${CSS.escape(action)}"]` : "";
}

function values(view) {
  const mine = typed.get(view.id) || {};
  const merged = structuredClone(view.state.values);
  for (const [blockId, states] of Object.entries(mine)) {
    for (const [actionId, state] of Object.entries(states)) {
      if (merged[blockId]?.[actionId]?.type === state.type) merged[blockId][actionId] = state;
    }
  }
  typed.set(view.id, merged);
  return merged;
}

function overlay(view, world, depth) {
  const state = values(view);
  const act = (block, part, value) => post("click", { as: world.me, view_id: view.id, block_id: block.block_id, action_id: part.action_id, value });
  const close = (clear) => post("close", { as: world.me, view_id: view.id, clear }).catch((error) => toast(error.message));
  const submit = view.submit && h("button", { type: "submit", class: "button primary" }, h("span", {}, words(view.submit, world)));
  const form = h("form", { class: "modal", role: "dialog", "aria-modal": "true", "aria-labelledby": "modal-title", tabIndex: -1, noValidate: true,
    onsubmit: (event) => (event.preventDefault(), send(view, world, state, submit)) },
    h("header", { class: "modal-head" },
      h("img", { class: "avatar mini", src: "/workspace.svg", alt: "" }),
      h("h2", { id: "modal-title" }, words(view.title, world)),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => close(true) }, sign("close"))),
    h("div", { class: "modal-body" }, h("p", { class: "error general", hidden: true, role: "alert" }), drawBlocks(view.blocks, world, act, state)),
    h("footer", { class: "modal-foot" },
      h("button", { type: "button", class: "button", onclick: () => close(false) }, view.close ? words(view.close, world) : depth > 1 ? "Back" : view.submit ? "Cancel" : "Close"),
      submit));
  const behind = h("div", { class: "overlay" }, form);
  behind.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close(false);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    trapFocus(form, event);
  });
  return behind;
}

async function send(view, world, state, submit) {
  if (!submit || submit.classList.contains("busy")) return;
  submit.classList.add("busy");
  const answers = {};
  for (const block of view.blocks) {
    if (block.type === "input") answers[block.block_id] = valueOf(state[block.block_id]?.[block.element.action_id] || {});
  }
  try {
    await post("submit", { as: world.me, view_id: view.id, values: answers });
  } catch (error) {
    toast(error.message);
  } finally {
    submit.classList.remove("busy");
  }
}

function showErrors(box, errors) {
  const general = box.querySelector(".error.general");
  general.textContent = errors[""] || "";
  general.hidden = !errors[""];
  let first = null;
  for (const block of box.querySelectorAll(".block-input")) {
    const text = errors[block.dataset.blockId] || "";
    const note = block.querySelector(".error");
    if (text && note.textContent !== text) first ||= block.querySelector("input, textarea, select");
    note.textContent = text;
    note.hidden = !text;
    for (const field of block.querySelectorAll("input, textarea, select")) {
      field.toggleAttribute("aria-invalid", Boolean(text));
      if (text) field.setAttribute("aria-describedby", note.id);
      else field.removeAttribute("aria-describedby");
    }
  }
  first?.focus();
}
