/** What is said: in the chat, over the picture, in the feed of the staff, and pinned. */
import { words } from "../../texts/words";
import type { Feature, Lines } from "../feature";
import { Feed, OfDanmaku, PinPanel } from "./feed";
import { SAID } from "./line";
import { Overlay } from "./overlay";
import { Chat } from "./panel";

export { SPEAK } from "./panel";

export const texts = words(
  {
    "chat.title": "Chat",
    "chat.empty": "Nothing said yet.",
    "chat.for_tickets": "The chat opens with a ticket.",
    "chat.closed": "You cannot read the chat yet: it opens with the doors.",
    "chat.queue": "You can read the chat as soon as it is your turn.",
    "chat.placeholder": "Say something",
    "chat.send": "Send",
    "chat.color": "Colour",
    "chat.slow": "Slow mode: {seconds} s",
    "chat.shed": "Sent. The room is so full that not everybody will see it.",
    "chat.truncated": "Older messages are not shown.",
    "chat.gap": "Some messages and gifts are missing here.",
    "chat.gap_danmaku": "Some messages are missing here.",
    "switch.chat": "Chat",
    "switch.links": "Links allowed",
    "switch.emoji_only": "Emoji only",
    "console.feed": "Chat feed",
    "console.feed_empty": "The feed is quiet.",
    "console.retract": "Retract",
    "console.pin": "Pin",
    "console.unpin": "Unpin",
    "console.announce": "Announce",
    "console.announce_placeholder": "Pinned for everybody",
    "console.pins": "Pinned",
    "console.pins_empty": "Nothing is pinned.",
  },
  {
    "chat.title": "聊天",
    "chat.empty": "还没有人说话。",
    "chat.for_tickets": "购票后即可看到聊天。",
    "chat.closed": "还看不到聊天：开门后开放。",
    "chat.queue": "轮到你后即可查看聊天。",
    "chat.placeholder": "发条弹幕",
    "chat.send": "发送",
    "chat.color": "颜色",
    "chat.slow": "慢速模式：{seconds} 秒",
    "chat.shed": "已发送。房间太满，部分观众可能看不到。",
    "chat.truncated": "更早的消息未显示。",
    "chat.gap": "此处缺少部分消息和礼物。",
    "chat.gap_danmaku": "此处缺少部分消息。",
    "switch.chat": "聊天",
    "switch.links": "允许链接",
    "switch.emoji_only": "仅限表情",
    "console.feed": "聊天流",
    "console.feed_empty": "还没有消息。",
    "console.retract": "撤回",
    "console.pin": "置顶",
    "console.unpin": "取消置顶",
    "console.announce": "公告",
    "console.announce_placeholder": "置顶给所有人",
    "console.pins": "置顶",
    "console.pins_empty": "暂无置顶。",
  },
);

export const lines: Lines = { danmaku: SAID };
export const fan: Feature["fan"] = { side: Chat, overlay: Overlay };
export const console: Feature["console"] = { feed: Feed, right: PinPanel, line: OfDanmaku };
