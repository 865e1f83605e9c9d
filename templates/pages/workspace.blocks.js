// Block Kit as Slack draws it. `world` knows people, channels and groups; `act(block, element, value)` does
// what a press or a choice means on this surface; `state` holds the values people gave so far.

import { confirmed, h, openMenu, toast } from "./workspace.dom.js";
import { sign } from "./workspace.icons.js";
import { channelLink, emoji, formatDate, groupMention, link, markdown, mention, words } from "./workspace.text.js";

export function drawBlocks(blocks, world, act, state = {}) {
  const surface = { world, act, state, text: (object) => words(object, world) };
  return blocks.map((block) => {
    const draw = BLOCKS[block.type];
    const node = draw ? draw(block, surface) : h("p", { class: "quiet" }, `(${block.type})`);
    node.classList.add("block", `block-${block.type}`);
    node.dataset.blockId = block.block_id || "";
    return node;
  });
}

const BLOCKS = {
  header: (block, on) => h("h3", {}, on.text(block.text)),
  divider: () => h("hr"),
  section: (block, on) => h("div", {},
    h("div", { class: "section-main" },
      block.text && h("div", { class: "text" }, on.text(block.text)),
      block.fields && h("div", { class: "fields" }, block.fields.map((field) => h("div", { class: "text" }, on.text(field))))),
    block.accessory && h("div", { class: "accessory" }, element(block, block.accessory, on))),
  context: (block, on) => h("div", {}, block.elements.map((part) =>
    part.type === "image" ? picture(part, "tiny") : h("span", { class: "text" }, on.text(part)))),
  actions: (block, on) => h("div", {}, block.elements.map((part) => element(block, part, on))),
  image: (block, on) => h("figure", {}, block.title && h("figcaption", {}, on.text(block.title)), picture(block, "large")),
  input: (block, on) => inputBlock(block, on),
  rich_text: (block, on) => h("div", {}, block.elements.map((part) => rich(part, on))),
  markdown: (block) => h("div", {}, markdown(block.text)),
  table: (block, on) => table(block, on),
  card: (block, on) => card(block, on),
  carousel: (block, on) => h("div", { tabIndex: 0, role: "region", "aria-label": "Cards" }, block.elements.map((one) => card(one, on))),
  context_actions: (block, on) => h("div", {}, block.elements.map((part) => element(block, part, on))),
  task_card: (block, on) => h("div", {}, task(block, on)),
  plan: (block, on) => h("div", {}, h("strong", {}, block.title), (block.tasks || []).map((one) => task(one, on))),
  container: (block, on) => container(block, on),
  file: (block) => h("p", { class: "quiet" }, sign("file"), ` Remote file ${block.external_id}`),
  call: (block) => h("p", { class: "quiet" }, `Call ${block.call_id}`),
  video: (block, on) => h("div", {}, h("strong", {}, on.text(block.title)), picture({ alt_text: block.alt_text, image_url: block.thumbnail_url }, "large")),
  auth_provider: (block, on) => h("div", { class: "task" }, h("span", {}, h("strong", {}, on.text(block.name)), h("div", { class: "text" }, block.is_connected ? "Connected" : on.text(block.description)))),
  alert: (block, on) => h("div", { class: `level-${block.level || "default"}`, role: "note" },
    h("span", { class: "alert-icon", "aria-hidden": "true" }, emoji({ error: "no_entry", warning: "warning", success: "white_check_mark" }[block.level] || "information_source")),
    h("div", { class: "text" }, on.text(block.text))),
};

// Nothing is fetched from elsewhere: a picture of another host shows its description.
function picture(image, size) {
  const url = image.image_url || "";
  const near = url.startsWith("data:image/") || url.startsWith(`${location.origin}/`);
  if (near) return h("img", { src: url, alt: image.alt_text, class: `picture ${size}` });
  if (size === "tiny") return h("span", { class: "picture tiny missing", title: image.alt_text, role: "img", "aria-label": image.alt_text }, sign("image"));
  return h("div", { class: `picture ${size} missing`, role: "img", "aria-label": image.alt_text }, sign("image"), image.alt_text);
}

function inputBlock(block, on) {
  const id = `in-${crypto.randomUUID()}`;
  const field = element(block, block.element, on, id);
  const group = ["radio_buttons", "checkboxes"].includes(block.element.type);
  const label = [on.text(block.label), block.optional && h("span", { class: "quiet" }, " (optional)")];
  return h("div", { role: group ? "group" : undefined, "aria-labelledby": group ? `${id}-label` : undefined },
    group ? h("span", { class: "label", id: `${id}-label` }, label) : h("label", { class: "label", for: id, id: `${id}-label` }, label),
    field,
    block.hint && h("p", { class: "hint", id: `${id}-hint` }, on.text(block.hint)),
    h("p", { class: "error", id: `${id}-error`, hidden: true }));
}

const TASK_SIGNS = { pending: "white_circle", in_progress: "hourglass_flowing_sand", complete: "white_check_mark", error: "x" };

function task(one, on) {
  const words = (part) => part && h("div", { class: "text" }, part.elements.map((inner) => rich(inner, on)));
  return h("div", { class: "task" }, h("span", { role: "img", "aria-label": one.status.replace("_", " ") }, emoji(TASK_SIGNS[one.status] || "white_circle")),
    h("div", {}, h("strong", {}, one.title), words(one.details), words(one.output),
      (one.sources || []).length > 0 && h("div", { class: "text" }, one.sources.map((source) => [link(source.url, source.text), " "]))));
}

function container(block, on) {
  const title = block.rich_text_title ? block.rich_text_title.elements.map((inner) => rich(inner, on)) : on.text(block.title);
  const head = [block.icon && picture(block.icon, "tiny"), h("span", {}, h("strong", {}, title), block.subtitle && h("div", { class: "quiet" }, on.text(block.subtitle)))];
  const body = h("div", { class: "container-body" }, drawBlocks(block.child_blocks, on.world, on.act, on.state));
  if (!block.is_collapsible) return h("div", { class: "container-box" }, h("div", { class: "container-head" }, head), body);
  return h("details", { class: "container-box", open: !block.default_collapsed }, h("summary", {}, head), body);
}

function card(block, on) {
  return h("div", { class: "card", "data-block-id": block.block_id },
    block.hero_image && picture(block.hero_image, "large"),
    h("div", { class: "card-head" }, block.icon && picture(block.icon, "tiny"),
      h("div", {}, block.title && h("strong", {}, on.text(block.title)), block.subtitle && h("div", { class: "quiet" }, on.text(block.subtitle)))),
    block.body && h("div", { class: "text" }, on.text(block.body)),
    block.actions && h("div", { class: "card-actions" }, block.actions.map((part) => element(block, part, on))));
}

function table(block, on) {
  const align = (place) => block.column_settings?.[place]?.align || "left";
  const cell = (part) => (part.type === "rich_text" ? part.elements.map((inner) => rich(inner, on)) : String(part.text ?? part.value ?? ""));
  const row = (cells, tag) => h("tr", {}, cells.map((part, place) => h(tag, { class: `to-${align(place)}`, scope: tag === "th" ? "col" : undefined }, cell(part))));
  const [head, ...rest] = block.rows;
  return h("div", { class: "table-wrap", tabIndex: 0, role: "region", "aria-label": "Table" },
    h("table", {}, h("thead", {}, row(head, "th")), h("tbody", {}, rest.map((cells) => row(cells, "td")))));
}

// -- rich text

function rich(part, on) {
  const inner = () => part.elements.map((leaf) => richLeaf(leaf, on));
  if (part.type === "rich_text_preformatted") return h("pre", {}, inner());
  if (part.type === "rich_text_quote") return h("blockquote", {}, inner());
  if (part.type === "rich_text_list") {
    const list = h(part.style === "ordered" ? "ol" : "ul", {}, part.elements.map((item) => h("li", {}, rich(item, on))));
    list.style.marginLeft = `${(part.indent || 0) * 1.5}em`;
    if (part.style === "ordered" && part.offset) list.start = part.offset + 1;
    return list;
  }
  return h("span", { class: "rich" }, inner());
}

function richLeaf(leaf, on) {
  const plain = {
    text: () => leaf.text,
    link: () => link(leaf.url, leaf.text),
    emoji: () => emoji(leaf.name),
    user: () => mention(leaf.user_id, on.world),
    usergroup: () => groupMention(leaf.usergroup_id, on.world),
    channel: () => channelLink(leaf.channel_id, on.world),
    broadcast: () => h("span", { class: "mention loud" }, `@${leaf.range}`),
    color: () => h("code", {}, leaf.value),
    date: () => h("time", { title: leaf.fallback }, formatDate(leaf.timestamp, leaf.format)),
  }[leaf.type];
  let node = plain ? plain() : "";
  for (const [mark, tag] of [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"]]) {
    if (leaf.style?.[mark]) node = h(tag, {}, node);
  }
  return typeof node === "string" ? h("span", { class: "pre-line" }, node) : node;
}

// -- elements

function element(block, part, on, id) {
  const draw = ELEMENTS[part.type];
  return draw ? draw(block, part, on, id) : h("span", { class: "quiet" }, `(${part.type})`);
}

const ELEMENTS = {
  image: (block, part) => picture(part, "accessory-picture"),
  button: (block, part, on) => button(block, part, on),
  overflow: (block, part, on) => overflow(block, part, on),
  feedback_buttons: (block, part, on) => h("span", { role: "group", "aria-label": "Feedback" },
    small(block, part, on, part.positive_button, emoji("thumbsup"), part.positive_button.value), small(block, part, on, part.negative_button, emoji("thumbsdown"), part.negative_button.value)),
  icon_button: (block, part, on) => !part.visible_to_user_ids || part.visible_to_user_ids.includes(on.world.me)
    ? small(block, part, on, part, part.icon === "trash" ? sign("trash") : on.text(part.text)) : null,
  static_select: (block, part, on, id) => select(block, part, on, id, options(part)),
  users_select: (block, part, on, id) => select(block, part, on, id, peopleOptions(on)),
  multi_static_select: (block, part, on, id) => select(block, part, on, id, options(part), true),
  multi_users_select: (block, part, on, id) => select(block, part, on, id, peopleOptions(on), true),
  radio_buttons: (block, part, on, id) => boxes(block, part, on, id, "radio"),
  checkboxes: (block, part, on, id) => boxes(block, part, on, id, "checkbox"),
  datepicker: (block, part, on, id) => typed(block, part, on, id, { type: "date" }),
  timepicker: (block, part, on, id) => typed(block, part, on, id, { type: "time" }),
  datetimepicker: (block, part, on, id) => typed(block, part, on, id, { type: "datetime-local" }),
  plain_text_input: (block, part, on, id) => typed(block, part, on, id, { type: "text", maxLength: part.max_length || 3000 }),
  number_input: (block, part, on, id) => typed(block, part, on, id, { type: "number", step: part.is_decimal_allowed ? "any" : "1", min: part.min_value ?? "", max: part.max_value ?? "" }),
  url_text_input: (block, part, on, id) => typed(block, part, on, id, { type: "url" }),
  email_text_input: (block, part, on, id) => typed(block, part, on, id, { type: "email" }),
};

async function run(node, block, part, on, value) {
  if (!(await confirmed(part.confirm, on.text))) return false;
  node.classList.add("busy");
  node.setAttribute("aria-busy", "true");
  try {
    await on.act(block, part, value);
  } catch (error) {
    toast(error.message);
  } finally {
    node.classList.remove("busy");
    node.removeAttribute("aria-busy");
  }
  return true;
}

function button(block, part, on) {
  const press = () => {
    if (node.classList.contains("busy")) return;
    if (part.url) window.open(part.url, "_blank", "noopener,noreferrer");
    run(node, block, part, on);
  };
  const node = h("button", { type: "button", class: `button ${part.style || ""}`, "aria-label": part.accessibility_label,
    "data-action-id": part.action_id, onclick: press }, h("span", {}, on.text(part.text)));
  return node;
}

function small(block, part, on, words, face, value) {
  const name = words.accessibility_label || words.text.text;
  const node = h("button", { type: "button", class: "icon-only", title: words.text.text, "aria-label": name, "data-action-id": part.action_id,
    onclick: () => node.classList.contains("busy") || run(node, block, part, on, value) }, face);
  return node;
}

function overflow(block, part, on) {
  const items = part.options.map((option) => ({
    label: h("span", {}, on.text(option.text), option.description && h("small", { class: "quiet" }, on.text(option.description))),
    run: () => {
      if (option.url) window.open(option.url, "_blank", "noopener,noreferrer");
      run(node, block, part, on, option.value);
    },
  }));
  const node = h("button", { type: "button", class: "button overflow", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": "More actions",
    "data-action-id": part.action_id, onclick: () => openMenu(node, items) }, h("span", {}, sign("dots")));
  return node;
}

const options = (part) => (part.option_groups || [{ options: part.options }]).map((group) => ({
  label: group.label?.text,
  options: group.options.map((option) => [option.value, option.text.text]),
}));
const peopleOptions = (on) => [{ options: on.world.people.filter((p) => !p.bot).map((p) => [p.id, p.name]) }];

const STARTS = { initial_option: "selected_option", initial_options: "selected_options", initial_user: "selected_user", initial_users: "selected_users",
  initial_date: "selected_date", initial_time: "selected_time", initial_date_time: "selected_date_time", initial_value: "value" };

function stateOf(block, part, on) {
  const given = on.state[block.block_id]?.[part.action_id];
  return given || Object.fromEntries(Object.entries(STARTS).filter(([start]) => start in part).map(([start, field]) => [field, part[start]]));
}

function keep(block, part, on, field, value) {
  (on.state[block.block_id] ||= {})[part.action_id] = { type: part.type, [field]: value };
}

/** What `state` says is chosen, as plain values: option values, ids, text. */
export function valueOf(state) {
  const { selected_option: one, selected_options: many } = state;
  if (one !== undefined) return one && one.value;
  if (many !== undefined) return many.map((option) => option.value);
  return state.value ?? state.selected_user ?? state.selected_users ?? state.selected_date ?? state.selected_time ?? state.selected_date_time ?? null;
}

const dispatches = (block) => block.type !== "input" || block.dispatch_action;

function select(block, part, on, id, groups, many = false) {
  const current = [valueOf(stateOf(block, part, on)) ?? []].flat();
  const all = groups.map((group) => {
    const rows = group.options.map(([value, text]) => h("option", { value, selected: current.includes(value) }, text));
    return group.label ? h("optgroup", { label: group.label }, rows) : rows;
  });
  const prompt = !many && h("option", { value: "", selected: !current.length, disabled: !block.optional }, part.placeholder?.text || "Choose an option");
  const change = () => {
    const values = [...node.selectedOptions].map((option) => option.value).filter(Boolean);
    const value = many ? values : values[0] ?? null;
    const named = (v) => ({ value: v, text: { type: "plain_text", text: v } });
    if (part.type.includes("users")) keep(block, part, on, many ? "selected_users" : "selected_user", value);
    else if (many) keep(block, part, on, "selected_options", values.map(named));
    else keep(block, part, on, "selected_option", value && named(value));
    if (dispatches(block)) run(node, block, part, on, value);
  };
  const node = h("select", { id, multiple: many, class: "select", "aria-label": id ? undefined : part.placeholder?.text || "Choose",
    "data-action-id": part.action_id, onchange: change }, prompt, all);
  return node;
}

function boxes(block, part, on, id, type) {
  const current = [valueOf(stateOf(block, part, on)) ?? []].flat();
  const name = id || `box-${crypto.randomUUID()}`;
  const change = () => {
    const picked = part.options.filter((_, place) => inputs[place].checked);
    if (type === "radio") keep(block, part, on, "selected_option", picked[0] || null);
    else keep(block, part, on, "selected_options", picked);
    const values = picked.map((option) => option.value);
    if (dispatches(block)) run(node, block, part, on, type === "radio" ? values[0] : values);
  };
  const inputs = part.options.map((option) => h("input", { type, name, value: option.value, checked: current.includes(option.value), onchange: change }));
  const node = h("div", { class: "boxes", "data-action-id": part.action_id }, part.options.map((option, place) =>
    h("label", {}, inputs[place], h("span", {}, on.text(option.text), option.description && h("small", { class: "quiet" }, on.text(option.description))))));
  return node;
}

const FIELDS = { datepicker: "selected_date", timepicker: "selected_time", datetimepicker: "selected_date_time" };
const toLocal = (seconds) => new Date(seconds * 1000 - new Date(seconds * 1000).getTimezoneOffset() * 60000).toISOString().slice(0, 16);

function typed(block, part, on, id, props) {
  const field = FIELDS[part.type] || "value";
  const start = valueOf(stateOf(block, part, on));
  const shown = start === null ? "" : part.type === "datetimepicker" ? toLocal(start) : start;
  const read = () => (part.type === "datetimepicker" ? (node.value ? Math.floor(new Date(node.value) / 1000) : null) : node.value || null);
  const store = () => keep(block, part, on, field, read());
  const dispatch = () => dispatches(block) && run(node, block, part, on, read());
  const common = { id, class: "field", placeholder: part.placeholder?.text || "", "aria-label": id ? undefined : part.placeholder?.text,
    "data-action-id": part.action_id, oninput: store };
  const node = part.multiline
    ? h("textarea", { ...common, rows: 4, maxLength: part.max_length || 3000 })
    : h("input", { ...common, ...props, onchange: part.type in FIELDS ? dispatch : undefined });
  node.value = shown;
  if (part.focus_on_load) node.dataset.focus = "yes";
  node.addEventListener("keydown", (event) => event.key === "Enter" && !part.multiline && block.dispatch_action && dispatch());
  return node;
}
