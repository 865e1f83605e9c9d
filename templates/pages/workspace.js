// The page: who you are, where you are, and keeping it true while the workspace changes.

import { fetchState, h, post, toast } from "./workspace.dom.js";
import { sign } from "./workspace.icons.js";
import { avatar, drawList } from "./workspace.messages.js";
import { drawBlocks } from "./workspace.blocks.js";
import { drawModals, openTrouble } from "./workspace.modal.js";

const HOME = "home";
const $ = (id) => document.getElementById(id);
const drafts = new Map(); // "person place" -> text not sent yet
const lastPlace = new Map(); // person -> hash they were at
let state = null;
let world = null;
let seenNotice = new Map();
let homeOpenedFor = "";

// -- where we are: the hash holds it all

const here = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
const hash = (parts) => `#${new URLSearchParams(Object.entries(parts).filter(([, value]) => value))}`;

function go(changes) {
  location.hash = hash({ ...here(), at: "", ...changes });
}

function be(person) {
  lastPlace.set(here().as, location.hash);
  location.hash = lastPlace.get(person) || hash({ as: person, in: here().in === HOME ? HOME : "" });
}

const me = () => here().as || localStorage.getItem("workspace-as") || "U0BOB";

function place() {
  const wanted = here().in;
  if (wanted === HOME) return HOME;
  const known = state.channels.some((channel) => channel.id === wanted);
  return known ? wanted : (state.channels.find((channel) => !channel.im && channel.member) || state.channels[0]).id;
}

// -- the world as this person knows it

function makeWorld() {
  const people = new Map(state.people.map((person) => [person.id, person]));
  const groups = new Map(state.groups.map((group) => [group.id, group]));
  const channels = new Map(state.channels.map((channel) => [channel.id, channel]));
  return {
    me: state.me,
    people: state.people,
    names: [...people.values()].map((person) => person.name).join(),
    person: (id) => people.get(id),
    group: (id) => groups.get(id),
    channel: (id) => channels.get(id),
    replies: (message) => channels.get(message.channel).messages.filter((one) => one.thread_ts === message.ts && one.ts !== message.ts && !one.deleted),
    href: (changes) => hash({ ...here(), ...changes }),
    openThread: (ts) => go({ thread: ts }),
  };
}

// -- unread

const readKey = (channel) => `workspace-read ${state.me} ${channel.id}`;
const others = (channel) => channel.messages.filter((message) => message.user !== state.me && !message.deleted);

function markRead(channel) {
  const newest = channel.messages.at(-1);
  if (newest && document.visibilityState === "visible") localStorage.setItem(readKey(channel), newest.ts);
}

function unread(channel) {
  const read = localStorage.getItem(readKey(channel)) || "0";
  const fresh = others(channel).filter((message) => message.ts > read);
  const mine = state.groups.filter((group) => group.users.includes(state.me)).map((group) => group.id);
  const loud = fresh.filter((m) => channel.im || m.mentions.includes(state.me) || m.pings.some((p) => mine.includes(p) || ["channel", "here", "everyone"].includes(p)));
  return { any: fresh.length > 0, loud: loud.length };
}

// -- drawing

function draw() {
  world = makeWorld();
  const channel = world.channel(place());
  if (channel) markRead(channel);
  drawWho();
  drawPlaces();
  drawHeading(channel);
  drawMain(channel);
  drawThread(channel);
  drawModals(state.views, world);
  drawNotices();
  document.title = `${channel ? label(channel) : `${state.app.name} Home`} · ${state.team.name}`;
}

const label = (channel) => (channel.im ? state.app.name : `#${channel.name}`);

function redraw(node, mark, build) {
  const text = JSON.stringify(mark);
  if (node.mark === text) return;
  node.mark = text;
  node.replaceChildren(...build().flat().filter(Boolean));
}

function drawWho() {
  const person = world.person(state.me);
  redraw($("who-button"), person, () => [avatar(person, "mini"), h("span", {}, "You are: ", h("strong", {}, person.name)), sign("down")]);
  const people = state.people.filter((one) => !one.bot);
  redraw($("who-menu"), [people, state.me], () => people.map((one) =>
    h("li", { role: "option", tabIndex: -1, "aria-selected": String(one.id === state.me), "data-person": one.id, onclick: () => choose(one.id) },
      avatar(one, "mini"), h("span", {}, h("strong", {}, one.name), h("small", {}, one.role)))));
}

function choose(person) {
  toggleWho(false);
  $("who-button").focus();
  be(person);
}

function toggleWho(open) {
  $("who-menu").hidden = !open;
  $("who-button").setAttribute("aria-expanded", String(open));
  if (open) $("who-menu").querySelector("[aria-selected=true]")?.focus();
}

function drawPlaces() {
  const rows = state.channels.map((channel) => ({ ...channel, messages: undefined, ...unread(channel) }));
  redraw($("places"), [rows, place(), state.me], () => [
    group("Channels", rows.filter((row) => !row.im)),
    group("Direct messages", rows.filter((row) => row.im)),
    h("h2", {}, "Apps"),
    h("ul", {}, h("li", {}, placeLink(HOME, h("span", { class: "glyph" }, sign("home")), `${state.app.name} Home`))),
  ]);
}

function group(title, rows) {
  return [h("h2", {}, title), h("ul", {}, rows.map((row) => h("li", {}, placeLink(row.id,
    row.im ? avatar({ bot: true }, "mini") : h("span", { class: "glyph", "aria-hidden": "true" }, row.private ? sign("lock") : "#"),
    row.im ? state.app.name : row.name, row))))];
}

function placeLink(id, glyph, name, row = {}) {
  const current = place() === id;
  return h("a", { href: hash({ as: state.me, in: id }), class: [current && "current", row.any && "unread"].filter(Boolean).join(" "), "aria-current": current ? "page" : undefined },
    glyph, h("span", { class: "place-name" }, name),
    row.archived && h("span", { class: "quiet" }, "archived"),
    row.loud ? h("span", { class: "badge", "aria-label": `${row.loud} for you` }, String(row.loud)) : row.any && h("span", { class: "dot", role: "img", "aria-label": "unread" }));
}

function drawHeading(channel) {
  redraw($("heading"), channel ? { ...channel, messages: undefined } : [HOME, state.app.name], () => (channel ? [
    h("h1", {}, label(channel)),
    channel.im && h("span", { class: "app-badge" }, "APP"),
    channel.shared && h("span", { class: "app-badge" }, "SHARED OUTSIDE"),
    h("span", { class: "quiet topic" }, channel.im ? "What only you and the app can see" : channel.topic),
    !channel.im && h("span", { class: "quiet members", title: "Members" }, sign("people"), String(channel.members)),
  ] : [h("h1", {}, state.app.name), h("span", { class: "app-badge" }, "APP"), h("span", { class: "quiet topic" }, "Home")]));
}

function drawMain(channel) {
  const box = $("messages");
  if (box.dataset.place !== `${state.me} ${place()}`) {
    box.replaceChildren();
    box.dataset.place = `${state.me} ${place()}`;
    box.mark = "";
  }
  box.classList.toggle("home", !channel);
  if (!channel) {
    $("composer").hidden = true;
    return drawHome(box);
  }
  homeOpenedFor = "";
  const top = channel.messages.filter((message) => !message.thread_ts || message.thread_ts === message.ts || message.broadcast || (message.ephemeral && !here().thread));
  drawComposer($("composer"), channel, null);
  drawList(box, top, world, false);
  highlight(box);
}

function highlight(box) {
  const wanted = here().at;
  const node = wanted && box.querySelector(`[data-ts="${CSS.escape(wanted)}"]`);
  if (!node || node.classList.contains("wanted")) return;
  node.classList.add("wanted");
  node.scrollIntoView({ block: "center" });
}

function drawHome(box) {
  if (homeOpenedFor !== state.me) {
    homeOpenedFor = state.me;
    post("open-home", { as: state.me }).catch((error) => toast(error.message));
  }
  const home = state.home;
  const act = (block, part, value) => post("click", { as: state.me, view_id: home.id, block_id: block.block_id, action_id: part.action_id, value });
  redraw(box, [home?.id, home?.hash], () => (home
    ? drawBlocks(home.blocks, world, act, structuredClone(home.state.values))
    : [h("p", { class: "quiet empty" }, `${state.app.name} has not published anything here yet.`)]));
}

function drawThread(channel) {
  const root = here().thread;
  const parent = channel?.messages.find((message) => message.ts === root);
  $("thread").hidden = !parent;
  document.body.classList.toggle("with-thread", Boolean(parent));
  if (!parent) return;
  $("thread-place").textContent = label(channel);
  const box = $("thread-messages");
  if (box.dataset.place !== root) box.replaceChildren();
  box.dataset.place = root;
  const there = channel.messages.filter((message) => message.ts === root || message.thread_ts === root);
  drawComposer($("thread-composer"), channel, root);
  drawList(box, there, world, true);
}

function drawNotices() {
  const newest = state.notices.at(-1)?.id || 0;
  const seen = seenNotice.get(state.me);
  if (seen !== undefined) state.notices.filter((notice) => notice.id > seen).forEach((notice) => toast(notice.text));
  seenNotice.set(state.me, newest);
}

// -- writing

function drawComposer(form, channel, thread) {
  form.hidden = false;
  const open = channel.member && !channel.archived;
  redraw(form, [state.me, channel.id, thread, open], () => (open ? composer(form, channel, thread) : [
    h("p", { class: "quiet closed" }, channel.archived ? "This channel is archived." : `You are looking into ${label(channel)} without being a member.`),
  ]));
}

function composer(form, channel, thread) {
  const key = `${state.me} ${channel.id} ${thread || ""}`;
  const prompt = thread ? "Reply …" : `Message ${label(channel)}`;
  const box = h("textarea", { rows: 1, placeholder: prompt, "aria-label": prompt, value: drafts.get(key) || "" });
  const hints = h("ul", { class: "hints", hidden: true, "aria-label": "Commands" });
  box.addEventListener("input", () => (drafts.set(key, box.value), grow(box), hint(box, hints, thread)));
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
    if (text) send(text, channel, thread);
  };
  return [hints, box, h("button", { type: "submit", class: "button primary send", "aria-label": "Send" }, sign("send"))];
}

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, 160)}px`;
}

function hint(box, hints, thread) {
  const fits = thread || !/^\/\S*$/.test(box.value) ? [] : state.app.commands.filter((name) => name.startsWith(box.value));
  hints.hidden = !fits.length;
  hints.replaceChildren(...fits.map((name) => h("li", {}, h("button", { type: "button", onclick: () => {
    box.value = `${name} `;
    hints.hidden = true;
    box.focus();
  } }, h("strong", {}, name), h("span", { class: "quiet" }, ` ${state.app.name}`)))));
}

function send(text, channel, thread) {
  const command = /^(\/\S+)\s*([^]*)$/.exec(text);
  if (command && thread) return toast(`${command[1]} cannot be used in threads. Slack allows commands in channels only.`);
  const deed = command
    ? post("command", { as: state.me, command: command[1], text: command[2], channel: channel.id })
    : post("message", { as: state.me, text: escaped(text), channel: channel.id, thread_ts: thread });
  deed.catch((error) => toast(error.message));
}

// What people type is text; only @names they know become mentions.
function escaped(text) {
  const safe = text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  return safe.replace(/(?<!\w)@(\w+)/g, (all, name) => {
    const person = state.people.find((one) => one.name.toLowerCase() === name.toLowerCase());
    return person ? `<@${person.id}>` : all;
  });
}

// -- staying up to date

let busy = false;
let again = false;

async function refresh() {
  if (busy) return void (again = true);
  busy = true;
  try {
    const wanted = me();
    const fresh = await fetchState(wanted);
    if (wanted === me()) {
      state = fresh;
      localStorage.setItem("workspace-as", wanted);
      draw();
    } else again = true;
  } catch (error) {
    if (!state) localStorage.removeItem("workspace-as");
    toast(error.message);
  } finally {
    busy = false;
    if (again) (again = false), refresh();
  }
}

function listen() {
  const stream = new EventSource("/workspace/events");
  stream.onmessage = () => ($("offline").hidden = true, refresh());
  stream.onerror = () => ($("offline").hidden = false);
}

$("trouble-open").append(sign("bolt"));
$("thread-close").append(sign("close"));
$("who-button").addEventListener("click", () => toggleWho($("who-menu").hidden));
$("who-menu").addEventListener("keydown", (event) => {
  const all = [...$("who-menu").children];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) event.preventDefault(), all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  if (event.key === "Enter" || event.key === " ") event.preventDefault(), choose(document.activeElement.dataset.person);
  if (event.key === "Escape") toggleWho(false), $("who-button").focus();
});
document.addEventListener("pointerdown", (event) => event.target.closest(".who") || toggleWho(false));
document.addEventListener("visibilitychange", () => state && draw());
$("thread-close").addEventListener("click", () => go({ thread: "" }));
$("trouble-open").addEventListener("click", () => openTrouble(world));
addEventListener("hashchange", () => (state && state.me === me() ? draw() : refresh()));
listen();
