import java.io.File;
import java.math.BigInteger;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Random;
import java.util.StringJoiner;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.server.Request;
import org.apache.zookeeper.server.persistence.FileTxnLog;
import org.apache.zookeeper.txn.SetDataTxn;
import org.apache.zookeeper.txn.TxnHeader;

/** Has Apache's FileTxnLog write batches of setData txns, and prints what it did: see README.md. */
public class WriteLogs {

    public static void main(String[] args) throws Exception {
        File dir = new File(args[0]);
        dir.mkdirs();
        FileTxnLog.setPreallocSize(Long.parseLong(args[1]));
        FileTxnLog.setTxnLogSizeLimit(Long.parseLong(args[2]));
        try (FileTxnLog log = new FileTxnLog(dir)) {
            writeBatches(log, new Random(Long.parseLong(args[3])));
        }
        File[] files = dir.listFiles();
        Arrays.sort(files);
        for (File file : files) {
            byte[] sum = MessageDigest.getInstance("SHA-1").digest(Files.readAllBytes(file.toPath()));
            System.out.printf("file\t%s\t%d\t%040x%n", file.getName(), file.length(), new BigInteger(1, sum));
        }
    }

    private static void writeBatches(FileTxnLog log, Random random) throws Exception {
        long zxid = 0;
        for (int batch = 0; batch < 60; batch++) {
            StringJoiner sizes = new StringJoiner(",");
            for (int count = 1 + random.nextInt(4); count > 0; count--) {
                int size = random.nextInt(random.nextInt(8) == 0 ? 5000 : 200);
                log.append(request(++zxid, size));
                sizes.add("" + size);
            }
            log.commit();
            boolean roll = random.nextInt(20) == 0;
            if (roll) {
                log.rollLog();
            }
            System.out.printf("%s\t%s\t%d%n", roll ? "roll" : "batch", sizes, log.getTotalLogSize());
        }
    }

    private static Request request(long zxid, int size) throws Exception {
        byte[] data = new byte[size];
        for (int i = 0; i < size; i++) {
            data[i] = (byte) (zxid * 31 + i);
        }
        Request request = new Request(null, 7, (int) zxid, ZooDefs.OpCode.setData, null, null);
        request.setHdr(new TxnHeader(7, (int) zxid, zxid, 1000 + zxid, ZooDefs.OpCode.setData));
        request.setTxn(new SetDataTxn("/a", data, (int) zxid));
        return request;
    }
}
