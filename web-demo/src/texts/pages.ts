/** Words of the fan page, the console and the split page around what features bring. */
import { words } from "./words";

export const texts = words(
  {
    "speak.yes": "May speak",
    "speak.no": "May not speak",
    "console.title": "Console",
    "console.login": "Open the console",
    "console.lead": "Steer the show as its host. In the demo any name becomes one.",
    "split.title": "Three tickets, one show",
    "split.quick": "Buy",
    "split.return": "Return",
    "split.host": "Host",
    "split.paying": "Reserving…",
  },
  {
    "speak.yes": "可发言",
    "speak.no": "不可发言",
    "console.title": "控制台",
    "console.login": "打开控制台",
    "console.lead": "以主播身份控制演出。演示中任意名字都可以成为主播。",
    "split.title": "三种票，同一场",
    "split.quick": "购票",
    "split.return": "退票",
    "split.host": "主播",
    "split.paying": "锁票中…",
  },
);
