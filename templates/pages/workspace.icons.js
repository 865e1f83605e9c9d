// The pictures this page draws itself: its own signs, and the emoji that cards use most. Slack ships its own
// emoji pictures too; drawing these keeps a card readable on machines without an emoji font.

const SVG = "http://www.w3.org/2000/svg";

function draw(parts, title, className) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", className);
  if (title) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", title);
  } else svg.setAttribute("aria-hidden", "true");
  for (const [tag, attributes] of parts) {
    const part = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
    svg.append(part);
  }
  return svg;
}

const line = (d, stroke = "currentColor", width = 1.6) =>
  ["path", { d, fill: "none", stroke, "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round" }];
const fill = (d, colour) => ["path", { d, fill: colour }];
const disc = (colour, r = 7.5) => ["circle", { cx: 10, cy: 10, r, fill: colour }];
const square = (colour) => ["rect", { x: 3, y: 3, width: 14, height: 14, rx: 3, fill: colour }];

const SIGNS = {
  eye: [line("M2 10c2.200-3.800 5-5.500 8-5.500s5.800 1.700 8 5.500c-2.200 3.800-5 5.500-8 5.500S4.200 13.800 2 10z"), line("M10 7.600a2.400 2.400 0 1 0 0 4.800 2.400 2.400 0 0 0 0-4.800z")],
  people: [line("M7.500 9.500a2.800 2.800 0 1 0 0-5.600 2.800 2.800 0 0 0 0 5.600zM2.500 16c.300-3 2.300-4.500 5-4.500s4.700 1.500 5 4.500M13 4.300a2.600 2.600 0 0 1 0 5M14.500 11.800c1.800.500 2.900 1.900 3 4.200")],
  reply: [line("M3 4.500h14v9.500H9.500L6 17v-3H3z")],
  send: [fill("M2.500 3.200l15.500 6.800-15.500 6.800 1.700-5.600 7-1.200-7-1.200z", "currentColor")],
  close: [line("M5 5l10 10M15 5L5 15")],
  more: [["circle", { cx: 10, cy: 4.5, r: 1.5, fill: "currentColor" }], ["circle", { cx: 10, cy: 10, r: 1.5, fill: "currentColor" }], ["circle", { cx: 10, cy: 15.5, r: 1.5, fill: "currentColor" }]],
  dots: [["circle", { cx: 4.5, cy: 10, r: 1.6, fill: "currentColor" }], ["circle", { cx: 10, cy: 10, r: 1.6, fill: "currentColor" }], ["circle", { cx: 15.5, cy: 10, r: 1.6, fill: "currentColor" }]],
  home: [line("M3 9.500L10 3.500l7 6M5 8.500V16.500h3.500v-4.500h3v4.500H15V8.500")],
  lock: [line("M5 9h10v7.500H5zM7 9V6.500a3 3 0 0 1 6 0V9")],
  image: [line("M3 4.500h14v11H3zM3 13l4-4 3.500 3.500L13 10l4 4"), ["circle", { cx: 13, cy: 7.5, r: 1.1, fill: "currentColor" }]],
  plus: [line("M10 4.500v11M4.500 10h11")],
  menu: [line("M3 5.500h14M3 10h14M3 14.500h14")],
  file: [line("M5 2.500h6.500L15.500 6.500V17.500H5zM11.500 2.500V6.500h4")],
  sun: [line("M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.300 4.300l1.100 1.100M14.600 14.600l1.100 1.100M15.700 4.300l-1.100 1.100M5.400 14.600l-1.100 1.100")],
  moon: [line("M15.500 12.200A6.500 6.500 0 0 1 7.800 4.500a6.500 6.500 0 1 0 7.700 7.700z")],
  half: [line("M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14z"), fill("M10 3a7 7 0 0 1 0 14z", "currentColor")],
  trash: [line("M4 6h12M8 6V4h4v2M5.500 6l.7 10.500h7.600l.7-10.500")],
  down: [line("M5.500 8l4.500 4.500L14.500 8")],
  bolt: [line("M11.500 2.500L4.500 11.500h5l-1 6 7-9h-5z")],
};

const tick = (stroke) => line("M5.500 10.500l3 3 6-7", stroke, 2.2);
const cross = (stroke) => line("M6 6l8 8M14 6l-8 8", stroke, 2.4);
const clockFace = [["circle", { cx: 10, cy: 10, r: 7.3, fill: "#f4f4f5", stroke: "#6b7280", "stroke-width": 1.6 }], line("M10 5.800V10l2.800 2", "#374151")];
const hourglass = [fill("M6 4.500h8c0 3-2.800 4-2.800 5.500s2.800 2.500 2.800 5.500H6c0-3 2.800-4 2.800-5.500S6 7.500 6 4.500z", "#f0b429"), line("M5 3.500h10M5 16.500h10", "#8a5a1b", 2)];
const padlock = [["rect", { x: 4.5, y: 9, width: 11, height: 8, rx: 1.5, fill: "#e0a526" }], line("M6.800 9V6.800a3.200 3.200 0 0 1 6.400 0V9", "#8d9299", 1.8)];
const noEntry = [disc("#d93a3a"), line("M6.300 10h7.400", "#fff", 2.6)];
const banned = [["circle", { cx: 10, cy: 10, r: 6.6, fill: "none", stroke: "#d93a3a", "stroke-width": 2.4 }], line("M5.500 14.500l9-9", "#d93a3a", 2.4)];
const bell = [fill("M10 3c-2.800 0-4.400 2-4.400 4.800 0 3.200-1 4.200-1.800 5.200h12.400c-.800-1-1.800-2-1.800-5.200C14.400 5 12.800 3 10 3z", "#f0b429"), fill("M8.300 14.200h3.400a1.700 1.700 0 0 1-3.400 0z", "#b7791f")];
const turning = (colour) => [square("#3b82c4"), line("M6.500 9a3.800 3.800 0 0 1 6.800-1.600M13.500 11a3.800 3.800 0 0 1-6.800 1.600M13.500 4.900v2.700h-2.700M6.500 15.100v-2.700h2.700", colour, 1.5)];

const thumb = [fill("M8 9l3-6c1.500 0 2.300 1 2 2.500L12.500 8H16c1 0 1.600.900 1.300 1.800l-1.800 6c-.2.700-.8 1.200-1.500 1.200H8z", "#f2b83b"), ["rect", { x: 3, y: 8.7, width: 3.8, height: 8.3, rx: 1, fill: "#3b82c4" }]];
const upsideDown = (parts) => parts.map(([tag, attributes]) => [tag, { ...attributes, transform: "rotate(180 10 10)" }]);

const EMOJI = {
  thumbsup: thumb,
  "+1": thumb,
  thumbsdown: upsideDown(thumb),
  "-1": upsideDown(thumb),
  speech_balloon: [fill("M3 4.500h14a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H10l-4 3.500v-3.500H3a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1z", "#dfe3e8"), line("M6 9h.1M10 9h.1M14 9h.1", "#6b7280", 2)],
  palm_tree: [line("M10.500 8c1 3 .8 6-.5 9.500", "#8a5a1b", 2.2), line("M10.500 8C8 5 5 5 3 7.500M10.500 8C13 5.500 15.500 5.500 17.500 8M10.500 8C9 4.500 6.500 2.800 4.500 3.500M10.500 8C12 4.500 14.500 3 16.500 4M10.500 8c-2.500.200-4.500 1.800-5 4", "#3fa55b", 2)],
  face_with_thermometer: [disc("#f2c744"), ["circle", { cx: 7.3, cy: 8.3, r: 1.1, fill: "#3b2f10" }], ["circle", { cx: 12.7, cy: 8.3, r: 1.1, fill: "#3b2f10" }], line("M7 14c1.500-1.600 4-1.800 5.500-1", "#3b2f10", 1.4), line("M11 13l5.500 3.500", "#f4f4f5", 2.6), line("M11 13l3 1.900", "#d93a3a", 1.2)],
  calendar: [["rect", { x: 3, y: 4, width: 14, height: 13, rx: 2, fill: "#f4f4f5", stroke: "#9ca3af" }], fill("M3 6a2 2 0 0 1 2-2h10a2 2 0 0 1 2 2v2H3z", "#d93a3a"), line("M6.500 11h7M6.500 14h4", "#6b7280", 1.3)],
  white_check_mark: [square("#3fa55b"), tick("#fff")],
  heavy_check_mark: [tick("#3fa55b")],
  ballot_box_with_check: [square("#3b82c4"), tick("#fff")],
  x: [cross("#d93a3a")],
  warning: [fill("M10 2.800l8 14.200H2z", "#f0b429"), line("M10 8v4.200", "#3b2f10", 2), ["circle", { cx: 10, cy: 14.6, r: 1.1, fill: "#3b2f10" }]],
  no_entry: noEntry,
  no_entry_sign: banned,
  octagonal_sign: [fill("M7 3h6l4 4v6l-4 4H7l-4-4V7z", "#d93a3a")],
  red_circle: [disc("#d93a3a")],
  large_orange_circle: [disc("#e58e2c")],
  large_yellow_circle: [disc("#efc531")],
  large_green_circle: [disc("#3fa55b")],
  large_blue_circle: [disc("#3b82c4")],
  white_circle: [["circle", { cx: 10, cy: 10, r: 7, fill: "#f4f4f5", stroke: "#9ca3af", "stroke-width": 1 }]],
  black_circle: [disc("#2b2f36")],
  large_red_square: [square("#d93a3a")],
  large_green_square: [square("#3fa55b")],
  large_yellow_square: [square("#efc531")],
  hourglass,
  hourglass_flowing_sand: hourglass,
  alarm_clock: clockFace,
  stopwatch: clockFace,
  timer_clock: clockFace,
  clock3: clockFace,
  lock: padlock,
  bell,
  zzz: [line("M4 4.500h5L4 10.500h5M11.500 9.500h4.500l-4.500 6H16", "#3b82c4", 1.8)],
  information_source: [square("#3b82c4"), line("M10 9.500v4.500", "#fff", 2), ["circle", { cx: 10, cy: 6.4, r: 1.2, fill: "#fff" }]],
  question: [line("M7 7.500c0-3.500 6-3.500 6 0 0 2.500-3 2.300-3 5", "#d93a3a", 2.2), ["circle", { cx: 10, cy: 15.8, r: 1.4, fill: "#d93a3a" }]],
  eyes: [["ellipse", { cx: 6, cy: 10, rx: 3.4, ry: 5, fill: "#fff", stroke: "#374151" }], ["ellipse", { cx: 14, cy: 10, rx: 3.4, ry: 5, fill: "#fff", stroke: "#374151" }], ["circle", { cx: 5, cy: 11, r: 1.7, fill: "#2b2f36" }], ["circle", { cx: 13, cy: 11, r: 1.7, fill: "#2b2f36" }]],
  robot_face: [["rect", { x: 3.5, y: 6, width: 13, height: 10, rx: 2.5, fill: "#9aa5b1" }], ["circle", { cx: 7.4, cy: 10, r: 1.6, fill: "#2fb3c7" }], ["circle", { cx: 12.6, cy: 10, r: 1.6, fill: "#2fb3c7" }], line("M7.500 13.300h5M10 6V3.300", "#52606d"), ["circle", { cx: 10, cy: 2.9, r: 1.3, fill: "#d93a3a" }]],
  rocket: [fill("M17 3c-4.500 0-7.500 2-9.500 5.500L4 9l-1.500 2.500 3.500.5 2 2 .5 3.500L11 16l.5-3.500C15 10.500 17 7.500 17 3z", "#8d9bb0"), ["circle", { cx: 12.4, cy: 7.6, r: 1.7, fill: "#3b82c4" }], fill("M5.500 13.500c-1.700.400-2.400 2.300-2.500 3.500 1.200-.100 3.100-.800 3.500-2.500z", "#e58e2c")],
  memo: [["rect", { x: 4, y: 3, width: 11, height: 14, rx: 1.2, fill: "#f4f4f5", stroke: "#9ca3af" }], line("M6.500 7h6M6.500 10h6M6.500 13h3", "#6b7280", 1.2), line("M11 14.500l5.500-6", "#e58e2c", 2)],
  arrows_counterclockwise: turning("#fff"),
  repeat: turning("#fff"),
  double_vertical_bar: [square("#3b82c4"), line("M8 7v6M12 7v6", "#fff", 2)],
  moneybag: [fill("M8 4h4l-1 2.500c3 1.300 5 4.200 5 6.800 0 2.200-1.500 3.700-6 3.700s-6-1.500-6-3.700c0-2.600 2-5.500 5-6.800z", "#d9a441"), line("M11.700 10c-1.500-1.300-3.600-.6-3.400.7.200 1.500 3.500.700 3.600 2.300 0 1.200-2 1.600-3.700.400M10 8.800v5.600", "#6b4a10", 1.2)],
  key: [["circle", { cx: 6.5, cy: 10, r: 3.2, fill: "none", stroke: "#e0a526", "stroke-width": 2 }], line("M9.700 10H17M14 10v3M16.500 10v2", "#e0a526", 2)],
  shield: [fill("M10 2.500l6.500 2.300v4.700c0 4-2.700 6.600-6.500 8-3.800-1.400-6.500-4-6.500-8V4.800z", "#7b8794"), fill("M10 4.500v11c-2.700-1.200-4.600-3.200-4.600-6.200V6.100z", "#a9b4c0")],
};
const blue = (...marks) => [square("#3b82c4"), ...marks];
Object.assign(EMOJI, {
  mega: [fill("M3 8v4h2.500L14 16.500v-13L5.500 8z", "#d9534f"), line("M6.500 12.500l1 4", "#9ca3af", 2), line("M16.500 8.500v3", "#9ca3af", 1.8)],
  raising_hand: [disc("#f2c744", 4.5), line("M15.500 10V3.500", "#f2b83b", 2.4), line("M4 17c.500-2.500 3-3.500 6-3.500s5.500-1 5.500-4", "#8a5a9e", 2.4)],
  mag_right: [["circle", { cx: 8.5, cy: 8.5, r: 5, fill: "#dbeafe", stroke: "#6b7280", "stroke-width": 1.8 }], line("M12.500 12.500l4.500 4.500", "#6b7280", 2.4)],
  handshake: [fill("M2 7l4-2 4 2 4-2 4 2v6l-3 1-5 3.500L5 14l-3-1z", "#f2b83b"), line("M10 7l-2.500 2.500c1.500 1.500 3 .5 3.500-.5l4 4M8 14.500l1.500 1.200M11 12l2 2.200", "#8a5a1b", 1.3)],
  level_slider: [["rect", { x: 3, y: 3, width: 14, height: 14, rx: 2, fill: "#e5e7eb" }], line("M7 5.500v9M13 5.500v9", "#6b7280", 1.4), line("M5.500 8h3M11.500 12h3", "#374151", 2.6)],
  paperclip: [line("M14.500 6.500v7a4.500 4.500 0 0 1-9 0v-8a3 3 0 0 1 6 0v7.500a1.500 1.500 0 0 1-3 0V7", "#6b7280", 1.6)],
  point_right: [fill("M3 7h6.500l-1-2c0-1.200 1.300-1.500 2-.7L14 8h3a1.300 1.300 0 0 1 0 2.600h-4.500L12 14c-.3 1-1 1.500-2 1.500H6L3 14z", "#f2b83b")],
  fire: [fill("M10 2.500c1 3 5 4.800 5 9a5 5 0 0 1-10 0c0-2 1-3.300 2-4.300.2 1.300.8 2 1.500 2.300C8.300 7 8.700 4.500 10 2.500z", "#e5602e"), fill("M10 10c.600 1.500 2.200 2 2.200 4a2.200 2.200 0 0 1-4.400 0c0-1.800 1.400-2.400 2.200-4z", "#f6c445")],
  rotating_light: [fill("M5.500 14V9.500a4.500 4.500 0 0 1 9 0V14z", "#d93a3a"), ["rect", { x: 4, y: 14, width: 12, height: 3, rx: 1, fill: "#6b7280" }], line("M10 1.500v1.500M3 5l1.200 1M17 5l-1.200 1", "#d93a3a", 1.5), line("M8 12V9.800a2 2 0 0 1 2-2", "#fff", 1.2)],
  pencil2: [fill("M3.500 16.500l1-4L13 4l3 3-8.500 8.500z", "#f0b429"), fill("M13 4l1.300-1.300a1 1 0 0 1 1.400 0l1.600 1.600a1 1 0 0 1 0 1.400L16 7z", "#e0757f"), fill("M3.500 16.500l.500-2 1.500 1.500z", "#374151")],
  arrow_forward: blue(fill("M8 6.500v7l6-3.500z", "#fff")),
  leftwards_arrow_with_hook: blue(line("M8.500 6L6 8.500 8.500 11M6 8.500h5.500a2.700 2.700 0 0 1 0 5.400H9", "#fff", 1.7)),
  fast_forward: blue(fill("M5 6.500v7l5-3.500zM10 6.500v7l5-3.500z", "#fff")),
  arrow_double_up: blue(fill("M6.500 10h7L10 5zM6.500 15h7L10 10z", "#fff")),
  black_square_for_stop: blue(fill("M7 7h6v6H7z", "#fff")),
  new: blue(line("M5.500 12.500v-5l3.500 5v-5M14.500 7.500h-3v5h3M11.500 10h2.500", "#fff", 1.4)),
  recycle: [square("#3fa55b"), line("M6.500 9a3.800 3.800 0 0 1 6.800-1.600M13.500 11a3.800 3.800 0 0 1-6.800 1.600M13.500 4.900v2.700h-2.700M6.500 15.100v-2.700h2.700", "#fff", 1.5)],
  checkered_flag: [line("M4.500 17V3", "#6b7280", 1.8), ["rect", { x: 5.5, y: 3.5, width: 11, height: 8, fill: "#f4f4f5", stroke: "#374151", "stroke-width": 0.8 }], fill("M5.500 3.500h3.700v4H5.500zM12.800 3.500h3.700v4h-3.700zM9.200 7.500h3.600v4H9.200z", "#2b2f36")],
  pushpin: [line("M8.500 11.500L4 16.500", "#6b7280", 1.6), fill("M11.500 3l5.500 5.500-2 .6-3 3 .2 2.700-1.200 1.200L5 10l1.200-1.200 2.700.2 3-3z", "#d93a3a")],
  clock1: clockFace,
  rolled_up_newspaper: [["rect", { x: 3, y: 4, width: 14, height: 12, rx: 1.5, fill: "#f4f4f5", stroke: "#9ca3af" }], line("M5.500 7h9M5.500 10h4M5.500 12.800h4M12 10.200h2.500v2.500H12z", "#6b7280", 1.3)],
  card_index_dividers: [fill("M3 5.500h5l1.500 2H17v9H3z", "#e0a526"), fill("M3 8.500h14v8H3z", "#f0c25a")],
  construction: [["rect", { x: 2.5, y: 6, width: 15, height: 5, rx: 1, fill: "#f0b429" }], line("M5.500 10.500l2.500-4M9.500 10.500l2.500-4M13.500 10.500l2.500-4", "#374151", 1.6), line("M5 11v5.500M15 11v5.500", "#8d9299", 1.8)],
  white_small_square: [["rect", { x: 7, y: 7, width: 6, height: 6, rx: 1, fill: "#e5e7eb", stroke: "#9ca3af" }]],
  wastebasket: [line("M4.500 6h11M8 6V4h4v2M6 6l.6 10.500h6.800L14 6", "#6b7280", 1.6)],
});
EMOJI.spiral_calendar_pad = EMOJI.calendar;
EMOJI.pause_button = EMOJI.double_vertical_bar;
EMOJI.pencil = EMOJI.memo;

const BY_CHARACTER = {
  "✅": "white_check_mark", "✔️": "heavy_check_mark", "✔": "heavy_check_mark", "❌": "x", "⚠️": "warning", "⚠": "warning", "⛔": "no_entry", "🚫": "no_entry_sign",
  "🛑": "octagonal_sign", "🔴": "red_circle", "🟠": "large_orange_circle", "🟡": "large_yellow_circle", "🟢": "large_green_circle", "🔵": "large_blue_circle",
  "⚪": "white_circle", "⚫": "black_circle", "⏳": "hourglass", "⌛": "hourglass", "⏰": "alarm_clock", "⏱️": "stopwatch", "🔒": "lock", "🔔": "bell", "💤": "zzz",
  "ℹ️": "information_source", "❓": "question", "👀": "eyes", "🤖": "robot_face", "🚀": "rocket", "📝": "memo", "🔄": "repeat", "🔁": "repeat", "⏸️": "pause_button",
  "👍": "thumbsup", "👎": "thumbsdown", "💬": "speech_balloon", "🌴": "palm_tree", "🤒": "face_with_thermometer", "📅": "calendar",
  "📣": "mega", "🙋": "raising_hand", "🔎": "mag_right", "🤝": "handshake", "🎚️": "level_slider", "📎": "paperclip", "👉": "point_right", "🔥": "fire",
  "🚨": "rotating_light", "🗞️": "rolled_up_newspaper", "🗂️": "card_index_dividers", "🚧": "construction", "✏️": "pencil2", "▶️": "arrow_forward", "↩️": "leftwards_arrow_with_hook", "🕐": "clock1", "▫️": "white_small_square",
  "🗑️": "wastebasket", "🗓️": "spiral_calendar_pad", "💰": "moneybag", "🔑": "key", "🛡️": "shield",
  "⏩": "fast_forward", "⏫": "arrow_double_up", "⏹️": "black_square_for_stop", "🆕": "new", "♻️": "recycle", "🏁": "checkered_flag", "📌": "pushpin", "💸": "moneybag",
};
const CHARACTERS = new RegExp(Object.keys(BY_CHARACTER).sort((a, b) => b.length - a.length).join("|"), "u");

/** One of the page's own signs. */
export const sign = (name) => draw(SIGNS[name], "", "sign");

/** A drawn emoji, or null when this page does not draw that one. */
export const emojiPicture = (name) => (EMOJI[name] ? draw(EMOJI[name], `:${name}:`, "emoji") : null);

/** Text with its drawn emoji in place of the characters. */
export function withPictures(text) {
  const nodes = [];
  for (let rest = text; rest; ) {
    const hit = CHARACTERS.exec(rest);
    if (!hit) return [...nodes, rest];
    if (hit.index) nodes.push(rest.slice(0, hit.index));
    nodes.push(emojiPicture(BY_CHARACTER[hit[0]]));
    rest = rest.slice(hit.index + hit[0].length);
  }
  return nodes;
}
