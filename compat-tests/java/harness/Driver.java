package compat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;

/** The other end of stdin and stdout, which stops and starts the server when asked. */
final class Driver {
    private static final BufferedReader ANSWERS = new BufferedReader(new InputStreamReader(System.in));

    private Driver() {
    }

    /**
     * Restarts the server with the gate shut: a client that connects while Apache starts may be left without an answer.
     */
    static void restart(Gate gate) throws Exception {
        gate.shut();
        ask("stop");
        ask("start");
        gate.open();
    }

    private static synchronized void ask(String request) throws IOException {
        System.out.println("@" + request);
        String answer = ANSWERS.readLine();
        Expect.equal(answer, "done", "the driver's answer to " + request);
    }
}
