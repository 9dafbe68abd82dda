/** Questions of the host to everybody: voting, and how it stands. */
import { words } from "../../texts/words";
import type { Feature } from "../feature";
import { PollDesk } from "./console";
import { PollPanel } from "./fan";

export { useFanPage } from "./fan";

export const texts = words(
  {
    "polls.title": "Poll",
    "polls.open": "Vote now",
    "polls.asked": "New poll: {question}",
    "polls.votes": "Votes: {count}",
    "polls.choose": "Choose one.",
    "polls.change": "You may change your vote until it ends.",
    "polls.mine": "(your vote)",
    "polls.ended": "Ended: this is the result.",
    "polls.before": "Before:",
    "polls.desk": "Polls",
    "polls.none": "Nothing asked yet.",
    "polls.question": "Question to everybody",
    "polls.option": "Option {number}",
    "polls.more": "Add an option",
    "polls.less": "Remove option {number}",
    "polls.ask": "Ask",
    "polls.waits": "End the open poll first.",
    "polls.end": "End the poll",
    "polls.csv": "Results (CSV)",
    "polls.file": "polls",
    "polls.flaw.empty": "Write a question.",
    "polls.flaw.question_long": "The question is too long: at most {most} characters.",
    "polls.flaw.option_long": "An option is too long: at most {most} characters.",
    "polls.flaw.few": "Write at least two options.",
    "polls.flaw.same": "Two options are the same.",
    "switch.polls": "Polls",
    "code.POLL_OPEN": "Another poll is still open.",
    "code.POLL_ENDED": "This poll is over.",
  },
  {
    "polls.title": "投票",
    "polls.open": "正在投票",
    "polls.asked": "新投票：{question}",
    "polls.votes": "{count} 票",
    "polls.choose": "请选择一项。",
    "polls.change": "投票结束前可以改选。",
    "polls.mine": "（你的选择）",
    "polls.ended": "投票已结束，以上为结果。",
    "polls.before": "上一个投票：",
    "polls.desk": "投票",
    "polls.none": "还没有发起投票。",
    "polls.question": "向所有人提问",
    "polls.option": "选项 {number}",
    "polls.more": "添加选项",
    "polls.less": "删除选项 {number}",
    "polls.ask": "发起投票",
    "polls.waits": "请先结束正在进行的投票。",
    "polls.end": "结束投票",
    "polls.csv": "导出结果 (CSV)",
    "polls.file": "投票",
    "polls.flaw.empty": "请填写问题。",
    "polls.flaw.question_long": "问题太长，最多 {most} 个字符。",
    "polls.flaw.option_long": "选项太长，最多 {most} 个字符。",
    "polls.flaw.few": "请至少填写两个选项。",
    "polls.flaw.same": "有两个选项相同。",
    "switch.polls": "投票",
    "code.POLL_OPEN": "还有一个投票正在进行。",
    "code.POLL_ENDED": "投票已结束。",
  },
);

export const fan: Feature["fan"] = { main: PollPanel };
export const console: Feature["console"] = { left: PollDesk };
