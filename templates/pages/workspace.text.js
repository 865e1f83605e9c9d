// Slack's text: mrkdwn, plain text with emoji codes, markdown, dates in the reader's own time.

import { h } from "./workspace.dom.js";
import { emojiPicture, withPictures } from "./workspace.icons.js";

const EMOJI = Object.fromEntries(
  `white_check_mark ✅|heavy_check_mark ✔️|x ❌|warning ⚠️|rotating_light 🚨|no_entry ⛔|no_entry_sign 🚫|octagonal_sign 🛑
hourglass ⌛|hourglass_flowing_sand ⏳|clock1 🕐|clock3 🕒|alarm_clock ⏰|stopwatch ⏱️|timer_clock ⏲️|calendar 📅|date 📅
lock 🔒|unlock 🔓|closed_lock_with_key 🔐|key 🔑|shield 🛡️|robot_face 🤖|rocket 🚀|package 📦|wrench 🔧|hammer 🔨|gear ⚙️
hammer_and_wrench 🛠️|memo 📝|pencil 📝|pencil2 ✏️|clipboard 📋|bar_chart 📊|chart_with_upwards_trend 📈|moneybag 💰|dollar 💵
credit_card 💳|money_with_wings 💸|eyes 👀|eye 👁️|wave 👋|thumbsup 👍|+1 👍|thumbsdown 👎|-1 👎|raised_hand ✋|hand ✋|point_right 👉
information_source ℹ️|question ❓|exclamation ❗|bell 🔔|no_bell 🔕|speech_balloon 💬|thread 🧵|link 🔗|mag 🔍|bulb 💡|fire 🔥|boom 💥
zap ⚡|sparkles ✨|tada 🎉|star ⭐|seedling 🌱|leaves 🍃|recycle ♻️|arrows_counterclockwise 🔄|repeat 🔁|rewind ⏪|arrow_right ➡️
arrow_left ⬅️|arrow_up ⬆️|arrow_down ⬇️|leftwards_arrow_with_hook ↩️|arrow_right_hook ↪️|fast_forward ⏩|double_vertical_bar ⏸️
pause_button ⏸️|black_right_pointing_triangle_for_play ▶️|arrow_forward ▶️|stop_button ⏹️|zzz 💤|red_circle 🔴|large_blue_circle 🔵
large_green_circle 🟢|large_yellow_circle 🟡|large_orange_circle 🟠|white_circle ⚪|black_circle ⚫|large_red_square 🟥
large_green_square 🟩|large_yellow_square 🟨|white_large_square ⬜|busts_in_silhouette 👥|bust_in_silhouette 👤|crown 👑
wastebasket 🗑️|file_folder 📁|page_facing_up 📄|email ✉️|envelope ✉️|inbox_tray 📥|outbox_tray 📤|mailbox 📫|globe_with_meridians 🌐
palm_tree 🌴|face_with_thermometer 🤒|house 🏠|building_construction 🏗️|construction 🚧|bug 🐛|test_tube 🧪|floppy_disk 💾|computer 💻|electric_plug 🔌|satellite 🛰️
smile 😄|slightly_smiling_face 🙂|thinking_face 🤔|sweat_smile 😅|heart ❤️|pray 🙏|clap 👏|muscle 💪|100 💯|ghost 👻|label 🏷️
bookmark 🔖|paperclip 📎|pushpin 📌|ballot_box_with_check ☑️|heavy_plus_sign ➕|heavy_minus_sign ➖|small_red_triangle 🔺
small_orange_diamond 🔸|small_blue_diamond 🔹|fast_food 🍔|coffee ☕|checkered_flag 🏁|triangular_flag_on_post 🚩|scales ⚖️|classical_building 🏛️`
    .split(/[|\n]/).map((pair) => pair.split(" ")),
);

export const emoji = (name) => emojiPicture(name) || EMOJI[name] || `:${name}:`;

/** Text as nodes, with emoji codes and characters drawn. */
function withEmoji(text) {
  return text.split(/(:[a-z0-9_+-]+:)/).filter(Boolean).flatMap((part) => {
    const name = /^:(.+):$/.exec(part)?.[1];
    const known = name && (emojiPicture(name) || EMOJI[name]);
    return known ? [known] : withPictures(part);
  });
}

const decoded = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

/** A text object as nodes; `world` knows people, channels and groups by id. */
export function words(text, world) {
  if (!text) return [];
  if (text.type === "mrkdwn") return mrkdwn(text.text, world);
  return lines(text.text, text.emoji === false ? (line) => [line] : withEmoji);
}

function lines(text, draw) {
  return text.split("\n").flatMap((line, place) => (place ? [h("br"), ...draw(line)] : draw(line)));
}

/** mrkdwn as nodes: fenced code, quotes, then what stands inside a line. */
export function mrkdwn(text, world) {
  return text.split(/```/).flatMap((part, place, all) => {
    const fenced = place % 2 === 1 && place < all.length - 1;
    if (fenced) return [h("pre", {}, decoded(part.replace(/^\n/, "").replace(/\n$/, "")))];
    const loose = place % 2 === 1 ? "```" + part : part;
    return quotes(loose, world);
  });
}

function quotes(text, world) {
  const nodes = [];
  let quote = null;
  const rows = text.replace(/^\n/, "").split("\n");
  rows.forEach((row, place) => {
    const quoted = /^(&gt;|>) ?(.*)$/.exec(row);
    if (quoted) {
      quote ? quote.append(h("br")) : nodes.push((quote = h("blockquote")));
      quote.append(...inline(quoted[2], world));
      return;
    }
    if (place && !quote) nodes.push(h("br"));
    quote = null;
    nodes.push(...inline(row, world));
  });
  return nodes;
}

const MARKS = /`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])|(?<!\w)_(?=\S)([^_\n]+?|[^\n]+?)(?<=\S)_(?!\w)|(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])/;

function inline(text, world) {
  const nodes = [];
  for (let rest = text; rest; ) {
    const hit = MARKS.exec(rest);
    if (!hit) return [...nodes, ...withEmoji(decoded(rest))];
    if (hit.index) nodes.push(...withEmoji(decoded(rest.slice(0, hit.index))));
    nodes.push(marked(hit, world));
    rest = rest.slice(hit.index + hit[0].length);
  }
  return nodes;
}

function marked([, code, angled, bold, italic, strike], world) {
  if (code !== undefined) return h("code", {}, decoded(code));
  if (angled !== undefined) return token(angled, world);
  if (bold !== undefined) return h("strong", {}, inline(bold, world));
  if (italic !== undefined) return h("em", {}, inline(italic, world));
  return h("s", {}, inline(strike, world));
}

function token(inside, world) {
  const [target, label] = splitOnce(inside, "|");
  if (target.startsWith("@")) return mention(target.slice(1), world);
  if (target.startsWith("#")) return channelLink(target.slice(1), world, label);
  if (target.startsWith("!subteam^")) return groupMention(target.slice(9), world);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return h("span", { class: "mention loud" }, `@${target.slice(1)}`);
  return link(decoded(target), label && withEmoji(decoded(label)));
}

function splitOnce(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

export function mention(id, world) {
  const person = world.person(id);
  return h("span", { class: id === world.me ? "mention loud" : "mention" }, `@${person ? person.name : id}`);
}

export function groupMention(id, world) {
  const group = world.group(id);
  const mine = group?.users.includes(world.me);
  return h("span", { class: mine ? "mention loud" : "mention" }, `@${group ? group.handle : id}`);
}

export function channelLink(id, world, label) {
  const channel = world.channel(id);
  return h("a", { class: "mention", href: world.href({ in: id }) }, `#${channel?.name || label || id}`);
}

export function link(target, label) {
  if (!/^(https?:|mailto:)/.test(target)) return label || target;
  if (target.startsWith(`${location.origin}/`)) return h("a", { href: target }, label || target);
  return h("a", { href: target, target: "_blank", rel: "noopener noreferrer" }, label || target);
}

function date(target, fallback) {
  const [, seconds, format, url] = target.split("^");
  const shown = formatDate(Number(seconds), format || "{date} {time}");
  const node = h("time", { dateTime: new Date(seconds * 1000).toISOString(), title: fallback }, shown);
  return url ? link(url, shown) : node;
}

/** Slack's date placeholders, in the reader's own time zone. */
export function formatDate(seconds, format) {
  const when = new Date(seconds * 1000);
  if (Number.isNaN(when.getTime())) return format;
  const near = nearDay(when);
  const show = (options) => new Intl.DateTimeFormat("en-US", options).format(when);
  const short = () => show({ month: "short", day: "numeric", year: "numeric" });
  const medium = () => show({ month: "long", day: "numeric", year: "numeric" });
  const long = () => show({ weekday: "long", month: "long", day: "numeric", year: "numeric" });
  const parts = {
    date_num: () => show({ year: "numeric", month: "2-digit", day: "2-digit" }).replace(/(\d+)\/(\d+)\/(\d+)/, "$3-$1-$2"),
    date_slash: () => show({ year: "numeric", month: "2-digit", day: "2-digit" }),
    date: medium, date_pretty: () => near || medium(),
    date_short: short, date_short_pretty: () => near || short(),
    date_long: long, date_long_pretty: () => near || long(),
    day_divider_pretty: () => near || long(),
    time: () => show({ hour: "numeric", minute: "2-digit" }),
    time_secs: () => show({ hour: "numeric", minute: "2-digit", second: "2-digit" }),
    ago: () => ago(seconds),
  };
  return format.replace(/\{(\w+)\}/g, (all, name) => (parts[name] ? parts[name]() : all));
}

function nearDay(when) {
  const day = (date) => Math.floor((date - date.getTimezoneOffset() * 60000) / 86400000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[day(when) - day(new Date())];
}

function ago(seconds) {
  const away = seconds - Date.now() / 1000;
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(away) >= size) return relative.format(Math.round(away / size), unit);
  }
  return relative.format(Math.round(away), "second");
}

/** A markdown block: headings, lists, quotes, fences and inline marks; nothing else, and never HTML. */
export function markdown(text) {
  const nodes = [];
  let list = null;
  const parts = text.split(/^```.*$/m);
  parts.forEach((part, place) => {
    if (place % 2) return void nodes.push(h("pre", {}, part.replace(/^\n|\n$/g, "")));
    for (const row of part.split("\n")) {
      const item = /^\s*(?:[-*]|(\d+)\.) (.*)$/.exec(row);
      if (!item) list = null;
      if (item) {
        if (!list) nodes.push((list = h(item[1] ? "ol" : "ul")));
        list.append(h("li", {}, markdownInline(item[2])));
      } else if (/^#{1,6} /.test(row)) nodes.push(h("strong", { class: "md-head" }, markdownInline(row.replace(/^#+ /, ""))));
      else if (/^> ?/.test(row)) nodes.push(h("blockquote", {}, markdownInline(row.replace(/^> ?/, ""))));
      else if (row.trim()) nodes.push(h("p", {}, markdownInline(row)));
    }
  });
  return nodes;
}

const MD = /`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)|\*\*(.+?)\*\*|__(.+?)__|~~(.+?)~~|(?<!\w)[*_](.+?)[*_](?!\w)/;

function markdownInline(text) {
  const nodes = [];
  for (let rest = text; rest; ) {
    const hit = MD.exec(rest);
    if (!hit) return [...nodes, ...withEmoji(rest)];
    if (hit.index) nodes.push(...withEmoji(rest.slice(0, hit.index)));
    const [, code, label, target, bold, bold2, strike, italic] = hit;
    if (code !== undefined) nodes.push(h("code", {}, code));
    else if (label !== undefined) nodes.push(link(target, label));
    else if (bold || bold2) nodes.push(h("strong", {}, markdownInline(bold || bold2)));
    else if (strike !== undefined) nodes.push(h("s", {}, markdownInline(strike)));
    else nodes.push(h("em", {}, markdownInline(italic)));
    rest = rest.slice(hit.index + hit[0].length);
  }
  return nodes;
}
