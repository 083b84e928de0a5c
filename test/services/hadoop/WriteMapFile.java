import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.IntWritable;
import org.apache.hadoop.io.LongWritable;
import org.apache.hadoop.io.MapFile;
import org.apache.hadoop.io.NullWritable;
import org.apache.hadoop.io.SequenceFile;
import org.apache.hadoop.io.SequenceFile.CompressionType;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.Writable;
import org.apache.hadoop.io.WritableComparable;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.apache.hadoop.util.ReflectionUtils;

/**
 * Writes a MapFile or a SequenceFile of records made from a seed and prints what it wrote as one line of JSON,
 * computed from the records and not from the file. Keys ascend. Half of each value repeats itself, so that
 * compression has something to do.
 *
 * <p>usage: WriteMapFile [--fs URI] [--kind map|sequence] [--key text|int|long|bytes] [--value bytes|text|long|null]
 * [--compression NONE|RECORD|BLOCK] [--codec NAME] [--interval N] [--block-bytes N] [--records N] [--seed N]
 * [--min-bytes N] [--max-bytes N] [--values] PATH [-- the same for a further file]...
 *
 * <p>A codec is named by its class or as Hadoop's CompressionCodecFactory has it: default, gzip, bzip2, snappy,
 * lz4, zstandard.
 */
public final class WriteMapFile {
  private String fileSystemUri;
  private String kind = "map";
  private String keyKind = "text";
  private String valueKind = "bytes";
  private CompressionType compression = CompressionType.NONE;
  private String codecName = "default";
  private int interval = 1;
  private int blockBytes = 1_000_000;
  private int records = 100;
  private long seed = 1;
  private int minBytes = 0;
  private int maxBytes = 2000;
  private boolean withValues;
  private Path path;

  public static void main(String[] args) throws Exception {
    int start = 0;
    for (int i = 0; i <= args.length; i++) {
      if (i < args.length && !args[i].equals("--")) continue;
      WriteMapFile writer = new WriteMapFile();
      writer.parse(Arrays.copyOfRange(args, start, i));
      writer.write();
      start = i + 1;
    }
    System.exit(0);
  }

  private void parse(String[] args) {
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--fs" -> fileSystemUri = args[++i];
        case "--kind" -> kind = args[++i];
        case "--key" -> keyKind = args[++i];
        case "--value" -> valueKind = args[++i];
        case "--compression" -> compression = CompressionType.valueOf(args[++i]);
        case "--codec" -> codecName = args[++i];
        case "--interval" -> interval = Integer.parseInt(args[++i]);
        case "--block-bytes" -> blockBytes = Integer.parseInt(args[++i]);
        case "--records" -> records = Integer.parseInt(args[++i]);
        case "--seed" -> seed = Long.parseLong(args[++i]);
        case "--min-bytes" -> minBytes = Integer.parseInt(args[++i]);
        case "--max-bytes" -> maxBytes = Integer.parseInt(args[++i]);
        case "--values" -> withValues = true;
        default -> path = new Path(args[i]);
      }
    }
    if (path == null) throw new IllegalArgumentException("Cannot write: no path is given");
  }

  private interface Sink {
    void append(WritableComparable<?> key, Writable value) throws IOException;
  }

  private void write() throws IOException {
    Configuration conf = Records.configuration(fileSystemUri);
    conf.setInt("io.seqfile.compress.blocksize", blockBytes);
    FileSystem fileSystem = FileSystem.get(conf);
    Path target = fileSystem.makeQualified(path);
    CompressionCodec codec = compression == CompressionType.NONE ? null : codec(conf);
    Class<?> keyClass = key(0).getClass();
    Class<?> valueClass = value(new Random(seed)).getClass();
    Map<String, Object> line = Records.line("path", path.toString(), "kind", kind.equals("map") ? "MapFile" : "SequenceFile",
        "keyClass", keyClass.getName(), "valueClass", valueClass.getName(), "compression", compression.name(),
        "codec", codec == null ? null : codec.getClass().getName());
    if (kind.equals("map")) {
      try (MapFile.Writer writer = new MapFile.Writer(conf, target,
          MapFile.Writer.keyClass(keyClass.asSubclass(WritableComparable.class)), MapFile.Writer.valueClass(valueClass),
          SequenceFile.Writer.compression(compression, codec))) {
        writer.setIndexInterval(interval);
        writeRecords(writer::append, line);
      }
    } else {
      try (SequenceFile.Writer writer = SequenceFile.createWriter(conf, SequenceFile.Writer.file(target),
          SequenceFile.Writer.keyClass(keyClass), SequenceFile.Writer.valueClass(valueClass),
          SequenceFile.Writer.compression(compression, codec))) {
        writeRecords(writer::append, line);
      }
    }
    Records.print(line);
  }

  private CompressionCodec codec(Configuration conf) {
    try {
      Class<?> codecClass = codecName.contains(".") ? conf.getClassByName(codecName)
          : new CompressionCodecFactory(conf).getCodecClassByName(codecName);
      if (codecClass == null) throw new IllegalArgumentException("Cannot write: no codec is named " + codecName);
      return (CompressionCodec) ReflectionUtils.newInstance(codecClass, conf);
    } catch (ClassNotFoundException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private void writeRecords(Sink sink, Map<String, Object> line) throws IOException {
    Random random = new Random(seed);
    Records.StreamHash hash = new Records.StreamHash();
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < records; i++) {
      WritableComparable<?> key = key(i);
      Writable value = value(random);
      sink.append(key, value);
      hash.add(Records.serialize(key), Records.serialize(value));
      if (withValues) {
        byte[] payload = Records.payload(value);
        values.add(Arrays.asList(Records.text(key), payload.length, Records.sha256(payload)));
      }
    }
    line.put("records", records);
    line.put("streamSha256", hash.hex());
    if (withValues) line.put("values", values);
  }

  private WritableComparable<?> key(int i) {
    return switch (keyKind) {
      case "text" -> new Text(String.format("cam-%02d/%06d.jpg", i / 300, i % 300));
      case "int" -> new IntWritable(2 * i - records);
      case "long" -> new LongWritable((2L * i - records) << 32);
      case "bytes" -> new BytesWritable(new byte[] {(byte) (i >> 16), (byte) (i >> 8), (byte) i});
      default -> throw new IllegalArgumentException("Cannot make keys: there is no kind " + keyKind);
    };
  }

  private Writable value(Random random) {
    return switch (valueKind) {
      case "bytes" -> new BytesWritable(bytes(random));
      case "text" -> new Text(java.util.HexFormat.of().formatHex(bytes(random)));
      case "long" -> new LongWritable(random.nextLong());
      case "null" -> NullWritable.get();
      default -> throw new IllegalArgumentException("Cannot make values: there is no kind " + valueKind);
    };
  }

  private byte[] bytes(Random random) {
    byte[] bytes = new byte[minBytes + random.nextInt(maxBytes - minBytes + 1)];
    random.nextBytes(bytes);
    for (int i = 16; i < bytes.length / 2; i++) bytes[i] = bytes[i - 16];
    return bytes;
  }
}
