// Runs beside the page's thread: hands over what really goes to the loudspeaker, for the tests.

class Ear extends AudioWorkletProcessor {
  process([input]) {
    this.port.postMessage(input[0]?.slice() ?? new Float32Array(128)); // silence is heard too
    return true;
  }
}

registerProcessor("parley-ear", Ear);
