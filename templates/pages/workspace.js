// The page: who you are, where you are, and keeping it true while the workspace changes.

import { channelMenu, appMenu, openGroup, openNewChannel, openStatus } from "./workspace.admin.js";
import { drawComposer } from "./workspace.composer.js";
import { fetchState, h, post, redraw, session, toast } from "./workspace.dom.js";
import { sign } from "./workspace.icons.js";
import { avatar, drawList } from "./workspace.messages.js";
import { drawBlocks } from "./workspace.blocks.js";
import { drawModals } from "./workspace.modal.js";
import { drawTrouble, troubles } from "./workspace.trouble.js";
import { emoji } from "./workspace.text.js";
import { startTheme } from "./workspace.theme.js";

const HOME = "home";
const $ = (id) => document.getElementById(id);
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
  lastPlace.set(`${team()} ${here().as}`, location.hash);
  location.hash = lastPlace.get(`${team()} ${person}`) || hash({ team: team(), as: person, in: here().in === HOME ? HOME : "" });
}

const team = () => here().team || "";
const me = () => here().as || localStorage.getItem(`workspace-as ${team()}`) || "U0BOB";

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

const readKey = (channel) => `workspace-read ${team()} ${state.me} ${channel.id}`;
const homeKey = () => `workspace-home ${team()} ${state.me}`;
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
  else if (state.home) localStorage.setItem(homeKey(), state.home.hash);
  drawTeams();
  drawWho();
  drawPlaces();
  drawHeading(channel);
  drawMain(channel);
  drawThread(channel);
  drawModals(state.views, world);
  drawNotices();
  drawPanel();
  document.title = `${channel ? label(channel) : `${state.app.name} Home`} · ${state.team.name}`;
}

const label = (channel) => (channel.im ? state.app.name : `#${channel.name}`);

function drawTeams() {
  $("teams").hidden = state.teams.length < 2;
  document.querySelector(".team-name").textContent = state.team.name;
  redraw($("teams"), [state.teams, state.team.id], () => state.teams.map((one) => h("a", {
    class: one.id === state.team.id ? "team-tile current" : "team-tile", href: hash({ team: one.id }), title: one.name, "aria-label": one.name, "data-key": one.id,
    "aria-current": one.id === state.team.id ? "page" : undefined }, one.name.slice(0, 2))));
}

function drawWho() {
  const person = world.person(state.me);
  const { text, emoji: picture } = person.status;
  redraw($("who-button"), person, () => [avatar(person, "mini"), h("span", {}, "You are: ", h("strong", {}, person.name)), sign("down")]);
  redraw($("status-button"), person.status, () => (text ? [picture && emoji(picture), h("span", {}, text)] : [emoji("speech_balloon"), h("span", {}, "Set a status")]));
  const people = state.people.filter((one) => !one.bot);
  redraw($("who-menu"), [people, state.me], () => people.map((one) =>
    h("li", { role: "option", tabIndex: -1, "aria-selected": String(one.id === state.me), "data-person": one.id, onclick: () => choose(one.id) },
      avatar(one, "mini"), h("span", {}, h("strong", {}, one.name, one.status.emoji && [" ", emoji(one.status.emoji)]), h("small", {}, one.status.text || one.role)))));
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
  const news = Boolean(state.home) && localStorage.getItem(homeKey()) !== state.home.hash;
  redraw($("places"), [rows, place(), state.me, state.team.id, state.groups, state.app.revoked, news], () => [
    group("Channels", rows.filter((row) => !row.im), h("button", { type: "button", class: "add", "aria-label": "Create a channel", title: "Create a channel",
      "data-key": "new-channel", onclick: () => openNewChannel(state) }, sign("plus"))),
    group("Direct messages", rows.filter((row) => row.im)),
    head("User groups"),
    h("ul", {}, state.groups.map((one) => h("li", {}, h("button", { type: "button", class: "place", "data-key": one.id, onclick: () => openGroup(state, world.group(one.id)) },
      h("span", { class: "glyph", "aria-hidden": "true" }, "@"), h("span", { class: "place-name" }, one.handle), h("span", { class: "quiet" }, String(one.users.length)))))),
    head("Apps", h("button", { type: "button", class: "add", "aria-label": `Manage ${state.app.name}`, title: `Manage ${state.app.name}`, "aria-haspopup": "menu",
      "data-key": "app", onclick: (event) => appMenu(event.currentTarget, state) }, sign("more"))),
    h("ul", {}, h("li", {}, placeLink(HOME, h("span", { class: "glyph" }, sign("home")), `${state.app.name} Home`, { any: news, badge: news && "1" }))),
    state.app.revoked && h("p", { class: "gone", role: "status" }, `${state.app.name} is not installed: ${state.app.revoked}`),
  ]);
}

const head = (title, ...more) => h("div", { class: "places-head" }, h("h2", {}, title), more);

function group(title, rows, ...more) {
  return [head(title, ...more), h("ul", {}, rows.map((row) => h("li", {}, placeLink(row.id,
    row.im ? avatar({ bot: true }, "mini") : h("span", { class: "glyph", "aria-hidden": "true" }, row.private ? sign("lock") : "#"),
    row.im ? state.app.name : row.name, row))))];
}

function placeLink(id, glyph, name, row = {}) {
  const current = place() === id;
  return h("a", { href: hash({ team: team(), as: state.me, in: id }), "data-key": id, class: [current && "current", row.any && "unread"].filter(Boolean).join(" "), "aria-current": current ? "page" : undefined },
    glyph, h("span", { class: "place-name" }, name),
    row.badge && h("span", { class: "badge", "aria-label": "something new" }, row.badge),
    row.archived && h("span", { class: "quiet" }, "archived"),
    row.loud ? h("span", { class: "badge", "aria-label": `${row.loud} for you` }, String(row.loud)) : row.any && !row.badge && h("span", { class: "dot", role: "img", "aria-label": "unread" }));
}

function drawHeading(channel) {
  const nav = () => h("button", { type: "button", class: "icon-button nav-open", "aria-label": "Channels and people", "data-key": "nav", onclick: () => toggleNav(true) }, sign("menu"));
  redraw($("heading"), channel ? { ...channel, messages: undefined, me: state.me } : [HOME, state.app.name], () => (channel ? [
    nav(),
    h("h1", {}, label(channel)),
    channel.im && h("span", { class: "app-badge" }, "APP"),
    channel.shared && h("span", { class: "app-badge" }, "SHARED OUTSIDE"),
    !channel.im && !channel.bot && h("span", { class: "app-badge" }, `WITHOUT ${state.app.name.toUpperCase()}`),
    h("span", { class: "quiet topic" }, channel.im ? "What only you and the app can see" : channel.topic),
    !channel.im && h("span", { class: "quiet members", title: "Members" }, sign("people"), String(channel.members)),
    !channel.im && h("button", { type: "button", class: "icon-button", "aria-label": `Manage ${label(channel)}`, "aria-haspopup": "menu", "data-key": "manage",
      onclick: (event) => channelMenu(event.currentTarget, state, channel) }, sign("more")),
  ] : [nav(), h("h1", {}, state.app.name), h("span", { class: "app-badge" }, "APP"), h("span", { class: "quiet topic" }, "Home")]));
}

function drawMain(channel) {
  const box = $("messages");
  const where = `${team()} ${state.me} ${place()}`;
  if (box.dataset.place !== where) {
    box.replaceChildren();
    box.dataset.place = where;
    box.mark = "";
  }
  box.classList.toggle("home", !channel);
  if (!channel) {
    $("composer").hidden = true;
    return drawHome(box);
  }
  homeOpenedFor = "";
  const top = channel.messages.filter((message) => !message.thread_ts || message.thread_ts === message.ts || message.broadcast || (message.ephemeral && !here().thread));
  drawComposer($("composer"), channel, null, state, label(channel));
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
  if (homeOpenedFor !== `${team()} ${state.me}`) {
    homeOpenedFor = `${team()} ${state.me}`;
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
  drawComposer($("thread-composer"), channel, root, state, label(channel));
  drawList(box, there, world, true);
}

function drawNotices() {
  const newest = state.notices.at(-1)?.id || 0;
  const seen = seenNotice.get(`${team()} ${state.me}`);
  if (seen !== undefined) state.notices.filter((notice) => notice.id > seen).forEach((notice) => toast(notice.text));
  seenNotice.set(`${team()} ${state.me}`, newest);
}

// -- making the workspace misbehave

function drawPanel() {
  const count = troubles(state.faults);
  $("trouble-open").classList.toggle("on", count > 0);
  $("trouble-open").setAttribute("aria-label", count ? `Misbehave: ${count} switched on` : "Misbehave");
  if (!$("trouble").hidden) redraw($("trouble"), state.faults, () => drawTrouble(state.faults, () => toggleTrouble(false)));
}

function toggleTrouble(open) {
  $("trouble").hidden = !open;
  $("trouble-open").setAttribute("aria-expanded", String(open));
  drawPanel();
  if (open) $("trouble").querySelector("button:not(:disabled), select")?.focus();
  else $("trouble-open").focus();
}

function toggleNav(open) {
  document.body.classList.toggle("nav-shown", open);
  if (open) $("who-button").focus();
}

// -- staying up to date

let busy = false;
let again = false;

async function refresh() {
  if (busy) return void (again = true);
  busy = true;
  try {
    const wanted = me();
    const there = (session.team = team());
    const fresh = await fetchState(wanted);
    if (wanted === me() && there === team()) {
      state = fresh;
      localStorage.setItem(`workspace-as ${there}`, wanted);
      draw();
    } else again = true;
  } catch (error) {
    if (!state) localStorage.removeItem(`workspace-as ${team()}`);
    if (error.somebody) location.replace(hash({ ...here(), as: error.somebody }));
    else toast(error.message);
  } finally {
    busy = false;
    if (again) (again = false), refresh();
  }
}

let stream = null;

function listen() {
  stream?.close();
  stream = new EventSource(`/workspace/events?team=${encodeURIComponent(team())}`);
  stream.dataTeam = team();
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
$("trouble-open").addEventListener("click", () => toggleTrouble($("trouble").hidden));
$("trouble").addEventListener("keydown", (event) => event.key === "Escape" && toggleTrouble(false));
$("status-button").addEventListener("click", () => openStatus(state, world.person(state.me)));
$("sidebar").addEventListener("keydown", (event) => event.key === "Escape" && toggleNav(false));
$("thread").addEventListener("keydown", (event) => event.key === "Escape" && go({ thread: "" }));
$("veil").addEventListener("click", () => toggleNav(false));
for (const id of ["messages", "thread-messages"]) $(id).addEventListener("keydown", walk);
addEventListener("hashchange", moved);

function moved() {
  toggleNav(false);
  if (stream.dataTeam !== team()) return void (listen(), refresh());
  if (state && state.me === me()) draw();
  else refresh();
}

// Arrow keys move through the messages, as in Slack.
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const at = document.activeElement.closest("article");
  if (!step || (document.activeElement !== event.currentTarget && document.activeElement !== at)) return;
  const all = [...event.currentTarget.querySelectorAll("article")];
  const target = at ? all[all.indexOf(at) + step] : all.at(step < 0 ? -1 : 0);
  if (!target) return;
  event.preventDefault();
  target.focus();
}

startTheme($("theme"));
listen();
