// Messages: who said what when, the card underneath, replies, reactions.

import { h, openDialog, openMenu, post, toast } from "./workspace.dom.js";
import { drawBlocks } from "./workspace.blocks.js";
import { sign } from "./workspace.icons.js";
import { emoji, formatDate, mrkdwn } from "./workspace.text.js";

const COLOURS = ["#4a6fa5", "#b4533c", "#3f7d58", "#8a5a9e", "#a8742a", "#2f7f86", "#9c4668", "#5c6b2e"];

export function avatar(person, size = "") {
  if (person?.bot) return h("img", { class: `avatar ${size}`, src: "/workspace.svg", alt: "" });
  const name = person?.name || "?";
  const node = h("span", { class: `avatar ${size}`, "aria-hidden": "true" }, name.split(/\s+/).map((word) => word[0]).join("").slice(0, 2).toUpperCase());
  const sum = [...(person?.id || name)].reduce((total, letter) => (total * 31 + letter.codePointAt(0)) >>> 0, 7);
  node.style.background = COLOURS[sum % COLOURS.length];
  return node;
}

const clock = (ts) => formatDate(Number(ts), "{time}");
const day = (ts) => formatDate(Number(ts), "{day_divider_pretty}");

/** Redraw a list of messages in place; a message whose JSON did not change keeps its node, focus and all. */
export function drawList(box, messages, world, inThread) {
  const pinned = box.scrollHeight - box.scrollTop - box.clientHeight < 120 || !box.childElementCount;
  const old = new Map([...box.children].map((node) => [node.dataset.key, node]));
  const wanted = [];
  let before = null;
  for (const message of messages) {
    if (!inThread && (!before || day(before.ts) !== day(message.ts))) {
      wanted.push(kept(old, `day-${day(message.ts)}`, "", () => h("div", { class: "day", role: "separator" }, h("span", {}, day(message.ts)))));
    }
    const joined = follows(before, message);
    const replies = inThread ? [] : world.replies(message);
    const mark = JSON.stringify([message, joined, replies.map((r) => r.ts), world.names]);
    wanted.push(kept(old, message.ts, mark, () => drawMessage(message, world, joined, replies, inThread)));
    before = message;
  }
  const same = wanted.length === box.children.length && wanted.every((node, place) => node === box.children[place]);
  if (!same) box.replaceChildren(...wanted);
  if (pinned) box.scrollTop = box.scrollHeight;
}

function kept(old, key, mark, draw) {
  const there = old.get(key);
  if (there && there.mark === mark) return there;
  const node = draw();
  node.dataset.key = key;
  node.mark = mark;
  return node;
}

function follows(before, message) {
  return Boolean(before) && before.user === message.user && !message.blocks.length && !before.blocks.length &&
    !message.ephemeral && !before.ephemeral && day(before.ts) === day(message.ts) && message.ts - before.ts < 300;
}

function drawMessage(message, world, joined, replies, inThread) {
  const person = world.person(message.user);
  const name = person?.name || message.user;
  const kinds = ["message", joined && "joined", message.ephemeral && "ephemeral", message.mentions.includes(world.me) && "for-me"];
  return h("article", { class: kinds.filter(Boolean).join(" "), tabIndex: -1, "aria-label": `${name}, ${clock(message.ts)}${message.ephemeral ? ", only visible to you" : ""}`, "data-ts": message.ts },
    h("div", { class: "gutter" }, joined ? h("span", { class: "quiet time" }, clock(message.ts)) : avatar(person)),
    h("div", { class: "content" },
      message.ephemeral && h("div", { class: "only-you" }, sign("eye"), "Only visible to you"),
      message.broadcast && !inThread && h("div", { class: "only-you" }, "replied to a thread"),
      !joined && byline(message, person, name),
      h("div", { class: "body" }, body(message, world), files(message)),
      reactions(message, world),
      replies.length > 0 && replyLink(message, replies, world)),
    !message.deleted && toolbar(message, world, inThread));
}

function byline(message, person, name) {
  return h("div", { class: "byline" },
    h("strong", { class: "name" }, name),
    person?.status?.emoji && h("span", { title: person.status.text }, emoji(person.status.emoji)),
    message.app && h("span", { class: "app-badge" }, "APP"),
    person?.guest && h("span", { class: "app-badge" }, "GUEST"),
    h("time", { class: "quiet time", title: formatDate(Number(message.ts), "{date_long} at {time_secs}") }, clock(message.ts)));
}

function body(message, world) {
  if (message.deleted) return h("p", { class: "quiet" }, "This message was deleted.");
  const act = (block, part, value) => post("click", {
    as: world.me, channel: message.channel, ts: message.ts, revision: message.revision,
    block_id: block.block_id, action_id: part.action_id, value,
  });
  const nodes = message.blocks.length
    ? drawBlocks(message.blocks, world, act)
    : [h("div", { class: "text" }, mrkdwn(message.text, world), message.edited && h("span", { class: "quiet" }, " (edited)"))];
  return [...nodes, ...message.attachments.map((one) => attachment(one, world, act))];
}

function files(message) {
  return message.files.map((file) => {
    const picture = file.mimetype.startsWith("image/") && !file.mimetype.includes("svg");
    return h("a", { class: "file", href: file.url_private, target: "_blank", rel: "noopener", "aria-label": `Open ${file.name}, ${size(file.size)}` },
      picture ? h("img", { class: "file-picture", src: file.url_private, alt: file.title }) : h("span", { class: "file-icon" }, sign("file")),
      h("span", { class: "file-words" }, h("strong", {}, file.title), h("span", { class: "quiet" }, `${file.title === file.name ? "" : `${file.name} · `}${file.pretty_type} · ${size(file.size)}`)));
  });
}

const size = (bytes) => (bytes < 1024 ? `${bytes} bytes` : bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`);

function attachment(one, world, act) {
  const node = h("div", { class: "attachment" },
    one.blocks ? drawBlocks(one.blocks, world, act) : h("div", { class: "text" }, mrkdwn(one.text || one.fallback || "", world)));
  if (/^#?[0-9a-f]{6}$/i.test(one.color || "")) node.style.borderLeftColor = `#${one.color.replace("#", "")}`;
  return node;
}

function reactions(message, world) {
  const all = Object.entries(message.reactions);
  if (!all.length) return null;
  return h("div", { class: "reactions" }, all.map(([name, users]) => {
    const who = users.map((id) => world.person(id)?.name || id).join(", ");
    const mine = users.includes(world.me);
    return h("button", { type: "button", class: mine ? "reaction mine" : "reaction", title: `${who} reacted with :${name}:`,
      "aria-label": `${name}, ${users.length === 1 ? "1 reaction" : `${users.length} reactions`}`, "aria-pressed": String(mine),
      onclick: () => react(message, world, name) }, emoji(name), " ", String(users.length));
  }));
}

const react = (message, world, name) =>
  post("react", { as: world.me, channel: message.channel, ts: message.ts, name, remove: (message.reactions[name] || []).includes(world.me) }).catch((error) => toast(error.message));

function replyLink(message, replies, world) {
  const faces = [...new Set(replies.map((reply) => reply.user))].slice(0, 4).map((id) => avatar(world.person(id), "mini"));
  const last = formatDate(Number(replies.at(-1).ts), "{date_short_pretty} at {time}");
  return h("button", { type: "button", class: "replies", onclick: () => world.openThread(message.ts) }, faces,
    h("span", { class: "count" }, replies.length === 1 ? "1 reply" : `${replies.length} replies`),
    h("span", { class: "quiet" }, `Last reply ${last}`));
}

function toolbar(message, world, inThread) {
  const more = h("button", { type: "button", title: "More", "aria-label": "More message actions", "aria-haspopup": "menu", "aria-expanded": "false",
    onclick: () => openMenu(more, moreItems(message, world)) }, sign("more"));
  return h("div", { class: "toolbar" },
    ["white_check_mark", "eyes", "x"].map((name) => h("button", { type: "button", title: `React with :${name}:`, "aria-label": `React with ${name}`,
      onclick: () => react(message, world, name) }, emoji(name))),
    !inThread && !message.ephemeral && h("button", { type: "button", title: "Reply in thread", "aria-label": "Reply in thread",
      onclick: () => world.openThread(message.thread_ts || message.ts) }, sign("reply")),
    more);
}

function moreItems(message, world) {
  const copy = (text) => navigator.clipboard?.writeText(text).catch(() => toast("The browser did not allow copying."));
  const mayDelete = message.user === world.me || world.person(world.me).admin || message.ephemeral;
  const edit = () => openDialog({ title: "Edit message", submit: "Save",
    body: [h("textarea", { class: "field", name: "text", rows: 4, "aria-label": "Message", value: message.text })],
    done: (form) => post("edit", { ...place, text: form.text }) });
  const place = { as: world.me, channel: message.channel, ts: message.ts };
  return [
    { label: "Copy link", run: () => copy(`${location.origin}/archives/${message.channel}/p${message.ts.replace(".", "")}`) },
    { label: "Copy blocks as JSON", run: () => copy(JSON.stringify(message.blocks.length ? message.blocks : message.text, null, 2)) },
    ...(message.user === world.me ? [{ label: "Edit message", run: edit }] : []),
    ...(mayDelete ? [{ label: message.ephemeral ? "Dismiss" : "Delete message", run: () => post("delete", place).catch((error) => toast(error.message)) }] : []),
  ];
}
