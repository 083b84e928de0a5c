import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.DataOutputBuffer;
import org.apache.hadoop.io.IntWritable;
import org.apache.hadoop.io.LongWritable;
import org.apache.hadoop.io.NullWritable;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.VIntWritable;
import org.apache.hadoop.io.VLongWritable;
import org.apache.hadoop.io.Writable;
import org.apache.hadoop.io.WritableComparable;
import org.apache.hadoop.util.ReflectionUtils;

/** What the programs here share: records as text and as hashes, and lines of JSON. */
final class Records {
  private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);
  private static final ObjectMapper JSON =
      new ObjectMapper().configure(JsonGenerator.Feature.AUTO_CLOSE_TARGET, false);

  private Records() {}

  static Configuration configuration(String fileSystemUri) {
    Configuration conf = new Configuration();
    if (fileSystemUri != null) conf.set("fs.defaultFS", fileSystemUri);
    return conf;
  }

  static Writable create(Class<?> writable, Configuration conf) {
    return writable == NullWritable.class ? NullWritable.get() : (Writable) ReflectionUtils.newInstance(writable, conf);
  }

  /** The key that a text stands for: numbers are decimal, bytes are hex. */
  static WritableComparable<?> parseKey(Class<?> keyClass, String text) {
    if (keyClass == Text.class) return new Text(text);
    if (keyClass == IntWritable.class) return new IntWritable(Integer.parseInt(text));
    if (keyClass == VIntWritable.class) return new VIntWritable(Integer.parseInt(text));
    if (keyClass == LongWritable.class) return new LongWritable(Long.parseLong(text));
    if (keyClass == VLongWritable.class) return new VLongWritable(Long.parseLong(text));
    if (keyClass == BytesWritable.class) return new BytesWritable(HexFormat.of().parseHex(text));
    throw new IllegalArgumentException("Cannot make a key from text: its class is " + keyClass.getName());
  }

  /** The inverse of {@link #parseKey}; for any other class whatever it says of itself. */
  static String text(Writable w) {
    return w instanceof BytesWritable ? HexFormat.of().formatHex(((BytesWritable) w).copyBytes()) : w.toString();
  }

  /** What a user thinks of as the value: a BytesWritable's bytes, a Text's UTF-8, else the serialized form. */
  static byte[] payload(Writable w) throws IOException {
    if (w instanceof BytesWritable) return ((BytesWritable) w).copyBytes();
    if (w instanceof Text) return ((Text) w).copyBytes();
    DataOutputBuffer serialized = serialize(w);
    return java.util.Arrays.copyOf(serialized.getData(), serialized.getLength());
  }

  static DataOutputBuffer serialize(Writable w) throws IOException {
    DataOutputBuffer buffer = new DataOutputBuffer();
    w.write(buffer);
    return buffer;
  }

  static String sha256(byte[] bytes) {
    return HexFormat.of().formatHex(newSha256().digest(bytes));
  }

  private static MessageDigest newSha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** SHA-256 over int32be(length) key int32be(length) value of every record, both as serialized. */
  static final class StreamHash {
    private final MessageDigest digest = newSha256();

    void add(DataOutputBuffer key, DataOutputBuffer value) {
      add(key);
      add(value);
    }

    private void add(DataOutputBuffer part) {
      digest.update(java.nio.ByteBuffer.allocate(Integer.BYTES).putInt(0, part.getLength()));
      digest.update(part.getData(), 0, part.getLength());
    }

    String hex() {
      return HexFormat.of().formatHex(digest.digest());
    }
  }

  static Map<String, Object> line(Object... namesAndValues) {
    Map<String, Object> line = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) line.put((String) namesAndValues[i], namesAndValues[i + 1]);
    return line;
  }

  static void print(Map<String, Object> line) throws IOException {
    OUT.println(JSON.writeValueAsString(line));
    OUT.flush();
  }
}
