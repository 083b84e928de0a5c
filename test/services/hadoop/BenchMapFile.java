import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.MapFile;
import org.apache.hadoop.io.WritableComparable;

/**
 * A peer for benchmarks: reads a MapFile of BytesWritable values with MapFile.Reader, once to warm up and then
 * as often as asked, and prints one line of JSON with the seconds of each timed run.
 *
 * <p>usage: BenchMapFile scan [--fs URI] [--times N] PATH reads all records in order, with a new reader each run.<br>
 * BenchMapFile get --keys FILE [--fs URI] [--times N] PATH asks one reader for each key of the file, in its order.
 */
public final class BenchMapFile {
  private static long records;
  private static long bytes;

  private interface Run {
    void once() throws IOException;
  }

  public static void main(String[] args) throws Exception {
    String fileSystemUri = null;
    String keysFile = null;
    int times = 3;
    Path path = null;
    for (int i = 1; i < args.length; i++) {
      switch (args[i]) {
        case "--fs" -> fileSystemUri = args[++i];
        case "--keys" -> keysFile = args[++i];
        case "--times" -> times = Integer.parseInt(args[++i]);
        default -> path = new Path(args[i]);
      }
    }
    Configuration conf = Records.configuration(fileSystemUri);
    Path mapFile = path;
    if (args[0].equals("scan")) {
      time("scan", times, () -> scan(mapFile, conf));
    } else {
      try (MapFile.Reader reader = new MapFile.Reader(mapFile, conf)) {
        List<WritableComparable<?>> keys = new ArrayList<>();
        for (String text : Files.readAllLines(Paths.get(keysFile))) keys.add(Records.parseKey(reader.getKeyClass(), text));
        time("get", times, () -> get(reader, keys));
      }
    }
    System.exit(0);
  }

  private static void time(String what, int times, Run run) throws IOException {
    run.once();
    List<Double> seconds = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      records = 0;
      bytes = 0;
      long start = System.nanoTime();
      run.once();
      seconds.add((System.nanoTime() - start) / 1e9);
    }
    Records.print(Records.line("bench", what, "records", records, "valueBytes", bytes, "seconds", seconds));
  }

  private static void scan(Path mapFile, Configuration conf) throws IOException {
    try (MapFile.Reader reader = new MapFile.Reader(mapFile, conf)) {
      WritableComparable<?> key = (WritableComparable<?>) Records.create(reader.getKeyClass(), conf);
      BytesWritable value = new BytesWritable();
      while (reader.next(key, value)) count(value);
    }
  }

  private static void get(MapFile.Reader reader, List<WritableComparable<?>> keys) throws IOException {
    BytesWritable value = new BytesWritable();
    for (WritableComparable<?> key : keys) {
      if (reader.get(key, value) == null) throw new IOException("Cannot get " + Records.text(key) + ": it is not there");
      count(value);
    }
  }

  private static void count(BytesWritable value) {
    records++;
    bytes += value.getLength();
  }
}
