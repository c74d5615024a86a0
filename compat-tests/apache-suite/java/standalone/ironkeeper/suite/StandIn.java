package ironkeeper.suite;

import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.withSettings;

import java.util.HashMap;
import java.util.Map;
import org.mockito.invocation.InvocationOnMock;

/**
 * Makes an object of a class of Apache's server whose answers come from the server's process. A method without an answer
 * throws {@link NotBridged}, so that no test passes on what an idle object of Apache's would have said.
 */
final class StandIn<T> {
    private final Class<T> type;
    private final Map<String, Answer> answers = new HashMap<>();

    StandIn(Class<T> type) {
        this.type = type;
    }

    /** Answers all methods of this name. */
    StandIn<T> on(String method, Answer answer) {
        answers.put(method, answer);
        return this;
    }

    /** The methods of these names do nothing: they are about memory and files that are the process's. */
    StandIn<T> ignore(String... methods) {
        for (String method : methods) {
            on(method, arguments -> null);
        }
        return this;
    }

    T make() {
        return mock(type, withSettings().stubOnly().defaultAnswer(this::answer));
    }

    private Object answer(InvocationOnMock call) throws Exception {
        String name = call.getMethod().getName();
        Answer answer = answers.get(name);
        if (answer != null) {
            return answer.to(call.getArguments());
        }
        if (name.equals("toString")) {
            return "stand-in for " + type.getSimpleName();
        }
        throw new NotBridged(type.getSimpleName() + "." + name);
    }

    /** What a method gives for its arguments. */
    @FunctionalInterface
    interface Answer {
        Object to(Object[] arguments) throws Exception;
    }
}
