/** Questions of the host to everybody: voting, and how it stands. */
import { words } from "../texts/words";

export const texts = words(
  {
    "switch.polls": "Polls",
    "code.POLL_OPEN": "Another poll is still open.",
    "code.POLL_ENDED": "This poll is over.",
  },
  {
    "switch.polls": "投票",
    "code.POLL_OPEN": "还有一个投票正在进行。",
    "code.POLL_ENDED": "投票已结束。",
  },
);
