import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;

/**
 * An operator of a Kafka cluster who takes one command a line on stdin and answers on stdout.
 *
 * <p>Words are separated by tabs. An answer is any number of lines of such words, then a line "." when the command
 * succeeded or "!", a tab and the reason when it did not. The argument is the list of bootstrap servers.
 */
public final class KafkaOperator {
    private static final int TIMEOUT_MS = 30_000;

    private final Admin admin;
    private final KafkaProducer<String, String> producer;
    private final KafkaConsumer<String, String> consumer;

    private KafkaOperator(String servers) {
        admin = Admin.create(properties(servers, Map.of(
                "default.api.timeout.ms", TIMEOUT_MS,
                "request.timeout.ms", 5_000,
                "metadata.max.age.ms", 1_000))); // the only way to a new controller after a refused election
        producer = new KafkaProducer<>(properties(servers, Map.of(
                "acks", "all",
                "linger.ms", 5,
                "request.timeout.ms", 5_000,
                "delivery.timeout.ms", TIMEOUT_MS,
                "max.block.ms", TIMEOUT_MS,
                "key.serializer", "org.apache.kafka.common.serialization.StringSerializer",
                "value.serializer", "org.apache.kafka.common.serialization.StringSerializer")));
        consumer = new KafkaConsumer<>(properties(servers, Map.of(
                "group.id", "operators",
                "enable.auto.commit", false,
                "auto.offset.reset", "earliest",
                "metadata.max.age.ms", 1_000,
                "key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer",
                "value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer")));
    }

    public static void main(String[] arguments) throws Exception {
        KafkaOperator operator = new KafkaOperator(arguments[0]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            operator.answer(line.split("\t"));
        }
    }

    private void answer(String[] words) {
        try {
            List<String> lines = run(words[0], Arrays.copyOfRange(words, 1, words.length));
            lines.forEach(System.out::println);
            System.out.println(".");
        } catch (Exception error) {
            Throwable cause = error.getCause() == null ? error : error.getCause();
            System.out.println("!\t" + cause.toString().replace('\n', ' '));
        }
        System.out.flush();
    }

    private List<String> run(String command, String[] words) throws Exception {
        return switch (command) {
            case "create" -> create(words[0], Integer.parseInt(words[1]), Short.parseShort(words[2]));
            case "grow" -> grow(words[0], Integer.parseInt(words[1]));
            case "delete" -> done(admin.deleteTopics(List.of(words[0])).all());
            case "topics" -> List.copyOf(admin.listTopics().names().get());
            case "partitions" -> partitions(words[0]);
            case "brokers" -> brokers();
            case "produce" -> produce(words[0], Integer.parseInt(words[1]), Integer.parseInt(words[2]));
            case "consume" -> consume(words[0], Integer.parseInt(words[1]));
            case "committed" -> committed();
            case "set-config" -> setConfig(words[0], words[1], words[2], words[3]);
            case "config" -> config(words[0], words[1], words[2]);
            case "reassign" -> reassign(words[0], Integer.parseInt(words[1]), words[2]);
            case "reassignments" -> reassignments();
            case "elect" -> elect(words[0]);
            case "acls" -> acls();
            case "set-quota" -> setQuota(words[0], Double.parseDouble(words[1]));
            case "quotas" -> quotas();
            case "set-scram" -> setScram(words[0]);
            case "scram" -> List.copyOf(admin.describeUserScramCredentials().users().get());
            default -> throw new IllegalArgumentException("no command " + command);
        };
    }

    /**
     * Kafka's client asks again when the controller goes away under its request, and then hears that the topic is there. Names
     * are used once, so it is the one that was asked for.
     */
    private List<String> create(String topic, int partitions, short replicas) throws Exception {
        try {
            return done(admin.createTopics(List.of(new NewTopic(topic, partitions, replicas))).all());
        } catch (ExecutionException error) {
            if (error.getCause() instanceof TopicExistsException) {
                return List.of();
            }
            throw error;
        }
    }

    private List<String> grow(String topic, int partitions) throws Exception {
        return done(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(partitions))).all());
    }

    /** A line for each partition: number, leader (-1: none), replicas in their order, sorted in-sync replicas. */
    private List<String> partitions(String topic) throws Exception {
        List<String> lines = new ArrayList<>();
        for (TopicPartitionInfo info : admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions()) {
            Node leader = info.leader();
            lines.add(String.join("\t", String.valueOf(info.partition()), leader == null ? "-1" : leader.idString(),
                    ids(info.replicas()), ids(info.isr().stream().sorted((a, b) -> a.id() - b.id()).toList())));
        }
        return lines;
    }

    /** A line with the controller's id, then one with the ids of all brokers. */
    private List<String> brokers() throws Exception {
        var cluster = admin.describeCluster();
        Node controller = cluster.controller().get();
        return List.of(controller == null ? "-1" : controller.idString(),
                cluster.nodes().get().stream().map(Node::id).sorted().map(String::valueOf).collect(Collectors.joining(",")));
    }

    private static String ids(List<Node> nodes) {
        return nodes.stream().map(Node::idString).collect(Collectors.joining(","));
    }

    /** Sends the numbers from first to first + count - 1 and returns once all in-sync replicas have them. */
    private List<String> produce(String topic, int first, int count) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (int number = first; number < first + count; number++) {
            String text = String.valueOf(number);
            sent.add(producer.send(new ProducerRecord<>(topic, text, text)));
        }
        for (Future<RecordMetadata> one : sent) {
            one.get();
        }
        return List.of();
    }

    /** Reads on from the group's offset until that many numbers came, commits, and tells how many differ and their sum. */
    private List<String> consume(String topic, int count) {
        consumer.subscribe(List.of(topic));
        Set<Integer> numbers = new HashSet<>();
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        while (numbers.size() < count && System.currentTimeMillis() < deadline) {
            for (ConsumerRecord<String, String> entry : consumer.poll(Duration.ofMillis(200))) {
                numbers.add(Integer.parseInt(entry.value()));
            }
        }
        consumer.commitSync(Duration.ofMillis(TIMEOUT_MS));
        return List.of(numbers.size() + "\t" + numbers.stream().mapToLong(Integer::longValue).sum());
    }

    /** The group's committed offsets, summed for each topic. */
    private List<String> committed() throws Exception {
        Map<String, Long> sums = new TreeMap<>();
        admin.listConsumerGroupOffsets("operators").partitionsToOffsetAndMetadata().get()
                .forEach((partition, offset) -> sums.merge(partition.topic(), offset.offset(), Long::sum));
        return sums.entrySet().stream().map(sum -> sum.getKey() + "\t" + sum.getValue()).toList();
    }

    private List<String> setConfig(String type, String name, String key, String value) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.valueOf(type), name);
        AlterConfigOp set = new AlterConfigOp(new ConfigEntry(key, value), AlterConfigOp.OpType.SET);
        return done(admin.incrementalAlterConfigs(Map.of(resource, List.of(set))).all());
    }

    private List<String> config(String type, String name, String key) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.valueOf(type), name);
        return List.of(admin.describeConfigs(List.of(resource)).all().get().get(resource).get(key).value());
    }

    private List<String> reassign(String topic, int partition, String replicas) throws Exception {
        List<Integer> ids = Arrays.stream(replicas.split(",")).map(Integer::valueOf).toList();
        return done(admin.alterPartitionReassignments(Map.of(new TopicPartition(topic, partition),
                Optional.of(new NewPartitionReassignment(ids)))).all());
    }

    private List<String> reassignments() throws Exception {
        return admin.listPartitionReassignments().reassignments().get().keySet().stream().map(String::valueOf).toList();
    }

    /** Gives the partitions of a topic back to their preferred leaders. A partition that has its own already is no error. */
    private List<String> elect(String topic) throws Exception {
        Set<TopicPartition> all = new HashSet<>();
        for (String line : partitions(topic)) {
            all.add(new TopicPartition(topic, Integer.parseInt(line.split("\t")[0])));
        }
        var refused = admin.electLeaders(ElectionType.PREFERRED, all).partitions().get().values().stream()
                .flatMap(Optional::stream).map(Throwable::toString).filter(text -> !text.contains("ElectionNotNeeded")).toList();
        if (!refused.isEmpty()) {
            throw new IllegalStateException(refused.toString());
        }
        return List.of();
    }

    private List<String> acls() throws Exception {
        return admin.describeAcls(AclBindingFilter.ANY).values().get().stream()
                .map(acl -> acl.pattern().resourceType() + "\t" + acl.pattern().name() + "\t" + acl.entry().principal()
                        + "\t" + acl.entry().operation() + "\t" + acl.entry().permissionType())
                .sorted().toList();
    }

    private List<String> setQuota(String client, double bytesPerSecond) throws Exception {
        ClientQuotaEntity entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, client));
        return done(admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity,
                List.of(new ClientQuotaAlteration.Op("producer_byte_rate", bytesPerSecond))))).all());
    }

    private List<String> quotas() throws Exception {
        return admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get().entrySet().stream()
                .map(quota -> quota.getKey().entries().get(ClientQuotaEntity.CLIENT_ID) + "\t" + quota.getValue())
                .sorted().toList();
    }

    private List<String> setScram(String user) throws Exception {
        ScramCredentialInfo info = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096);
        return done(admin.alterUserScramCredentials(
                List.of(new UserScramCredentialUpsertion(user, info, user + "-password"))).all());
    }

    private static List<String> done(Future<?> future) throws Exception {
        future.get();
        return List.of();
    }

    private static Properties properties(String servers, Map<String, Object> own) {
        Properties all = new Properties();
        all.put("bootstrap.servers", servers);
        all.put("reconnect.backoff.max.ms", 500);
        own.forEach(all::put);
        return all;
    }
}
