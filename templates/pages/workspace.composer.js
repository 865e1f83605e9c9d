// Writing: a message or a slash command, with what was typed kept for each person and place.

import { h, post, redraw, session, toast } from "./workspace.dom.js";
import { sign } from "./workspace.icons.js";

const drafts = new Map(); // "team person place" -> text not sent yet

/** Draw the form under a channel or a thread; `name` is what people call the place. */
export function drawComposer(form, channel, thread, state, name) {
  form.hidden = false;
  const open = channel.member && !channel.archived;
  redraw(form, [session.team, state.me, channel.id, thread, open], () => (open ? composer(form, channel, thread, state, name) : [
    h("p", { class: "quiet closed" }, channel.archived ? "This channel is archived." : `You are looking into ${name} without being a member.`),
  ]));
}

function composer(form, channel, thread, state, name) {
  const key = `${session.team} ${state.me} ${channel.id} ${thread || ""}`;
  const prompt = thread ? "Reply …" : `Message ${name}`;
  const box = h("textarea", { rows: 1, placeholder: prompt, "aria-label": prompt, value: drafts.get(key) || "" });
  const hints = h("ul", { class: "hints", hidden: true, "aria-label": "Commands" });
  box.addEventListener("input", () => (drafts.set(key, box.value), grow(box), hint(box, hints, thread, state)));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) event.preventDefault(), form.requestSubmit();
    if (event.key === "Tab" && !hints.hidden) event.preventDefault(), hints.querySelector("button").click();
  });
  form.onsubmit = (event) => {
    event.preventDefault();
    const text = box.value.trim();
    box.value = "";
    drafts.delete(key);
    grow(box);
    hints.hidden = true;
    if (text) send(text, channel, thread, state);
  };
  return [hints, box, h("button", { type: "submit", class: "button primary send", "aria-label": "Send" }, sign("send"))];
}

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, 160)}px`;
}

function hint(box, hints, thread, state) {
  const fits = thread || !/^\/\S*$/.test(box.value) ? [] : state.app.commands.filter((name) => name.startsWith(box.value));
  hints.hidden = !fits.length;
  hints.replaceChildren(...fits.map((name) => h("li", {}, h("button", { type: "button", onclick: () => {
    box.value = `${name} `;
    hints.hidden = true;
    box.focus();
  } }, h("strong", {}, name), h("span", { class: "quiet" }, ` ${state.app.name}`)))));
}

function send(text, channel, thread, state) {
  const command = /^(\/\S+)\s*([^]*)$/.exec(text);
  if (command && thread) return toast(`${command[1]} cannot be used in threads. Slack allows commands in channels only.`);
  const deed = command
    ? post("command", { as: state.me, command: command[1], text: command[2], channel: channel.id })
    : post("message", { as: state.me, text: escaped(text, state), channel: channel.id, thread_ts: thread });
  deed.catch((error) => toast(error.message));
}

// What people type is text; only @names they know become mentions.
function escaped(text, state) {
  const safe = text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  return safe.replace(/(?<!\w)@(\w+)/g, (all, name) => {
    const person = state.people.find((one) => one.name.toLowerCase() === name.toLowerCase());
    return person ? `<@${person.id}>` : all;
  });
}
