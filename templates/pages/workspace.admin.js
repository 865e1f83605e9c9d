// What people and administrators change: a status, a profile, groups, channels, the app's installation.

import { confirmed, h, openDialog, openMenu, post, toast } from "./workspace.dom.js";
import { emoji } from "./workspace.text.js";

const field = (label, node) => h("label", { class: "label" }, label, node);
const select = (name, rows, chosen) => h("select", { class: "select", name }, rows.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
const box = (name, value, text, checked) => h("label", { class: "box" }, h("input", { type: "checkbox", name, value, checked }), text);
const tell = (deed, body) => post(deed, body).catch((error) => toast(error.message));

const HOW_LONG = [["0", "Until I clear it"], ["30", "30 minutes"], ["60", "1 hour"], ["240", "4 hours"], ["10080", "A week"]];

/** "Set a status": presets, or words of one's own, and the profile underneath. */
export function openStatus(state, me) {
  const given = me.status || {};
  const text = h("input", { class: "field", name: "text", value: given.text || "", placeholder: "What’s your status?", maxLength: 100 });
  const sign = h("input", { class: "field emoji-field", name: "emoji", value: given.emoji || "", placeholder: "memo", "aria-label": "Emoji name" });
  const presets = Object.values(state.statuses).map(([words, picture]) => h("button", { type: "button", class: "preset",
    onclick: () => ((text.value = words), (sign.value = picture.replaceAll(":", ""))) }, emoji(picture.replaceAll(":", "")), " ", words));
  openDialog({
    title: "Set a status", submit: "Save",
    body: [h("div", { class: "presets", role: "group", "aria-label": "Presets" }, presets),
      h("div", { class: "status-row" }, field("Emoji", sign), field("Status", text)),
      field("Clears", select("minutes", HOW_LONG, "0")),
      field("Time zone", select("tz", state.zones.map((name) => [name, name]), me.tz)),
      field("Presence", select("presence", [["active", "Active"], ["away", "Away"]], me.presence)),
      field("Pause notifications", select("pause_minutes", [["0", "No"], ...HOW_LONG.slice(1)], "0"))],
    extra: given.text && ["Clear status", () => tell("status", { as: me.id, text: "" })],
    done: async (form) => {
      const { text: words, emoji: picture, minutes, tz, presence, pause_minutes } = form;
      await post("status", { as: me.id, text: words, emoji: words && picture ? `:${picture.replaceAll(":", "")}:` : "", minutes });
      await post("profile", { as: me.id, tz, presence, pause_minutes });
    },
  });
}

/** Who is in a user group. */
export function openGroup(state, group) {
  const people = state.people.filter((person) => !person.bot);
  openDialog({
    title: `@${group.handle}`, submit: "Save",
    body: [h("p", { class: "quiet" }, `${group.name}. Mentioning the group reaches everybody in it.`),
      h("fieldset", { class: "boxes" }, h("legend", { class: "label" }, "Members"), people.map((person) => box("users", person.id, person.name, group.users.includes(person.id))))],
    done: (form, data) => post("group", { as: state.me, group: group.id, users: data.getAll("users") }),
  });
}

export function openNewChannel(state) {
  openDialog({
    title: "Create a channel", submit: "Create",
    body: [field("Name", h("input", { class: "field", name: "name", required: true, maxLength: 80, placeholder: "release-room" })),
      h("div", { class: "boxes" }, box("private", "yes", "Private: only its members see it"), box("invite_bot", "yes", `Invite ${state.app.name}`, true))],
    done: (form) => post("create-channel", { as: state.me, name: form.name, private: Boolean(form.private), invite_bot: Boolean(form.invite_bot) }),
  });
}

/** What can be done with a channel. */
export function channelMenu(button, state, channel) {
  const act = (label, what) => ({ label, run: () => tell("channel", { as: state.me, channel: channel.id, act: what }) });
  openMenu(button, [
    channel.member ? act("Leave channel", "leave") : act("Join channel", "join"),
    channel.bot ? act(`Remove ${state.app.name}`, "remove-bot") : act(`Invite ${state.app.name}`, "invite-bot"),
    channel.archived ? act("Open again", "unarchive") : act("Archive", "archive"),
    channel.shared ? act("Stop sharing outside", "unshare") : act("Share with another organisation", "share"),
  ]);
}

/** Uninstalling, revoking, installing again. */
export function appMenu(button, state) {
  const act = (what) => () => tell("app", { as: state.me, act: what });
  const ask = (what, title, text) => async () => {
    const words = (plain) => ({ type: "plain_text", text: plain });
    const sure = await confirmed({ title: words(title), text: words(text), confirm: words(title), deny: words("Cancel"), style: "danger" }, (one) => one.text);
    if (sure) act(what)();
  };
  openMenu(button, state.app.revoked
    ? [{ label: `Install ${state.app.name} again`, run: act("install") }]
    : [
      { label: "Revoke its token", run: ask("revoke", "Revoke token", `Every call ${state.app.name} makes will be refused until it is installed again.`) },
      { label: "Uninstall", run: ask("uninstall", "Uninstall", `${state.app.name} loses its token and is told that it was uninstalled.`) },
    ]);
}
