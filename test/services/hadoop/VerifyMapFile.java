import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.DataOutputBuffer;
import org.apache.hadoop.io.LongWritable;
import org.apache.hadoop.io.MapFile;
import org.apache.hadoop.io.SequenceFile;
import org.apache.hadoop.io.Writable;
import org.apache.hadoop.io.WritableComparable;
import org.apache.hadoop.io.WritableComparator;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.mapreduce.Partitioner;
import org.apache.hadoop.mapreduce.lib.output.MapFileOutputFormat;
import org.apache.hadoop.mapreduce.lib.partition.HashPartitioner;

/**
 * Reads a SequenceFile, a MapFile or the parts of a job's output through Hadoop's own readers and prints one
 * line of JSON for each file, then one for each key looked up. Exits with 1 when a file can't be read to its
 * end, its keys are out of order, or its index leads elsewhere; a key that isn't found is no fault.
 *
 * <p>usage: VerifyMapFile [--fs URI] [--values] [--index] [--get KEY]... [--keys FILE] PATH...
 */
public final class VerifyMapFile {
  private final Configuration conf;
  private final FileSystem fileSystem;
  private final boolean withValues;
  private final boolean withIndex;
  private boolean faulty;

  private VerifyMapFile(Configuration conf, boolean withValues, boolean withIndex) throws IOException {
    this.conf = conf;
    this.fileSystem = FileSystem.get(conf);
    this.withValues = withValues;
    this.withIndex = withIndex;
  }

  public static void main(String[] args) throws Exception {
    String fileSystemUri = null;
    boolean withValues = false;
    boolean withIndex = false;
    List<String> keys = new ArrayList<>();
    List<Path> paths = new ArrayList<>();
    for (int i = 0; i < args.length; i++) {
      switch (args[i]) {
        case "--fs" -> fileSystemUri = args[++i];
        case "--values" -> withValues = true;
        case "--index" -> withIndex = true;
        case "--get" -> keys.add(args[++i]);
        case "--keys" -> keys.addAll(Files.readAllLines(Paths.get(args[++i])));
        default -> paths.add(new Path(args[i]));
      }
    }
    VerifyMapFile verifier = new VerifyMapFile(Records.configuration(fileSystemUri), withValues, withIndex);
    for (Path path : paths) verifier.verify(path, keys);
    System.exit(paths.isEmpty() ? 2 : verifier.faulty ? 1 : 0);
  }

  private void verify(Path path, List<String> keys) throws IOException {
    try {
      if (fileSystem.getFileStatus(path).isFile()) verifySequenceFile(path);
      else if (isMapFile(path)) {
        verifyMapFile(path);
        if (!keys.isEmpty()) lookUp(path, new MapFile.Reader[] {new MapFile.Reader(path, conf)}, List.of(path), keys);
      } else verifyJobOutput(path, keys);
    } catch (Exception e) {
      fault(Records.line("path", path.toString()), e);
    }
  }

  private boolean isMapFile(Path folder) throws IOException {
    return fileSystem.exists(new Path(folder, MapFile.DATA_FILE_NAME));
  }

  private void verifyJobOutput(Path folder, List<String> keys) throws Exception {
    List<Path> parts = new ArrayList<>();
    for (FileStatus part : fileSystem.listStatus(folder, p -> !p.getName().matches("[_.].*"))) parts.add(part.getPath());
    parts.sort(null);
    long records = 0;
    boolean mapFiles = true;
    for (Path part : parts) {
      boolean mapFile = isMapFile(part);
      mapFiles &= mapFile;
      records += mapFile ? verifyMapFile(part) : verifySequenceFile(part);
    }
    Records.print(Records.line("path", folder.toString(), "kind", "JobOutput", "parts", parts.size(), "records", records,
        "success", fileSystem.exists(new Path(folder, "_SUCCESS"))));
    if (mapFiles && !keys.isEmpty()) lookUp(folder, MapFileOutputFormat.getReaders(folder, conf), parts, keys);
  }

  private long verifySequenceFile(Path file) throws IOException {
    Map<String, Object> line = Records.line("path", file.toString(), "kind", "SequenceFile");
    return scan(file, null, line, () -> {
      SequenceFile.Reader reader = open(file);
      return new RecordSource(reader.getKeyClass(), reader.getValueClass(), reader::next, reader);
    });
  }

  private long verifyMapFile(Path folder) throws IOException {
    Map<String, Object> line = Records.line("path", folder.toString(), "kind", "MapFile");
    return scan(new Path(folder, MapFile.DATA_FILE_NAME), folder, line, () -> {
      MapFile.Reader reader = new MapFile.Reader(folder, conf);
      return new RecordSource(reader.getKeyClass(), reader.getValueClass(),
          (key, value) -> reader.next((WritableComparable<?>) key, value), reader);
    });
  }

  private interface NextRecord {
    boolean read(Writable key, Writable value) throws IOException;
  }

  private interface Opener {
    RecordSource open() throws IOException;
  }

  /** A reader of either kind of file, as what uses Hadoop sees it. */
  private record RecordSource(Class<?> keyClass, Class<?> valueClass, NextRecord next, AutoCloseable reader)
      implements AutoCloseable {
    @Override
    public void close() throws IOException {
      try {
        reader.close();
      } catch (IOException e) {
        throw e;
      } catch (Exception e) {
        throw new IOException(e);
      }
    }
  }

  /** Reads a file as objects for its order and values, and again as bytes for the hash of its stream. */
  private long scan(Path data, Path mapFile, Map<String, Object> line, Opener opener) throws IOException {
    long records = 0;
    try {
      try (SequenceFile.Reader reader = open(data)) {
        line.put("keyClass", reader.getKeyClassName());
        line.put("valueClass", reader.getValueClassName());
        line.put("compression", reader.getCompressionType().name());
        line.put("codec", reader.getCompressionCodec() == null ? null : reader.getCompressionCodec().getClass().getName());
        Map<String, String> metadata = new LinkedHashMap<>();
        reader.getMetadata().getMetadata().forEach((name, value) -> metadata.put(name.toString(), value.toString()));
        line.put("metadata", metadata);
      }
      List<Object> values = new ArrayList<>();
      try (RecordSource source = opener.open()) {
        WritableComparator order = comparator(source.keyClass());
        Writable previous = null;
        Long firstOutOfOrder = null;
        Writable key = Records.create(source.keyClass(), conf);
        Writable value = Records.create(source.valueClass(), conf);
        while (source.next().read(key, value)) {
          if (order != null && firstOutOfOrder == null && previous != null
              && order.compare((WritableComparable<?>) previous, (WritableComparable<?>) key) > 0) firstOutOfOrder = records;
          if (withValues) {
            byte[] payload = Records.payload(value);
            values.add(Arrays.asList(Records.text(key), payload.length, Records.sha256(payload)));
          }
          if (records == 0) line.put("firstKey", Records.text(key));
          records++;
          previous = key;
          key = Records.create(source.keyClass(), conf);
        }
        line.put("lastKey", previous == null ? null : Records.text(previous));
        line.put("records", records);
        line.put("inOrder", order == null ? null : firstOutOfOrder == null);
        // Only a MapFile promises an order.
        if (firstOutOfOrder != null) {
          line.put("firstOutOfOrder", firstOutOfOrder);
          if (mapFile != null) faulty = true;
        }
      }
      line.put("streamSha256", streamHash(data, records));
      if (mapFile != null) verifyIndex(mapFile, line);
      if (withValues) line.put("values", values);
      Records.print(line);
    } catch (IOException | RuntimeException | LinkageError e) {
      line.put("recordsRead", records);
      fault(line, e);
    }
    return records;
  }

  private String streamHash(Path data, long expectedRecords) throws IOException {
    Records.StreamHash hash = new Records.StreamHash();
    long records = 0;
    try (SequenceFile.Reader reader = open(data)) {
      DataOutputBuffer key = new DataOutputBuffer();
      DataOutputBuffer value = new DataOutputBuffer();
      SequenceFile.ValueBytes stored = reader.createValueBytes();
      boolean byRecord = reader.isCompressed() && !reader.isBlockCompressed();
      while (reader.nextRaw(key.reset(), stored) >= 0) {
        value.reset();
        if (byRecord) decompress(stored, reader.getCompressionCodec(), value);
        else stored.writeUncompressedBytes(value);
        hash.add(key, value);
        records++;
      }
    }
    if (records != expectedRecords) throw new IOException("Read " + expectedRecords + " records, but " + records + " raw");
    return hash.hex();
  }

  /** Not by writeUncompressedBytes, which with Hadoop's Java bzip2 makes the first value of a file empty. */
  private static void decompress(SequenceFile.ValueBytes stored, CompressionCodec codec, DataOutputBuffer value)
      throws IOException {
    DataOutputBuffer compressed = new DataOutputBuffer();
    stored.writeCompressedBytes(compressed);
    try (InputStream in = codec.createInputStream(new ByteArrayInputStream(compressed.getData(), 0, compressed.getLength()))) {
      in.transferTo(value);
    }
  }

  /**
   * Follows each entry of the index to its key. In a BLOCK file the key may lie further on, as Hadoop indexes
   * keys inside of blocks but can seek only to a block's start.
   */
  private void verifyIndex(Path folder, Map<String, Object> line) throws IOException {
    List<Object> entries = new ArrayList<>();
    String lost = null;
    try (SequenceFile.Reader index = open(new Path(folder, MapFile.INDEX_FILE_NAME));
        SequenceFile.Reader data = open(new Path(folder, MapFile.DATA_FILE_NAME))) {
      Writable key = Records.create(index.getKeyClass(), conf);
      Writable found = Records.create(data.getKeyClass(), conf);
      WritableComparator order = comparator(data.getKeyClass());
      LongWritable position = new LongWritable();
      while (index.next(key, position)) {
        data.seek(position.get());
        boolean more = data.next(found);
        while (more && data.isBlockCompressed()
            && order.compare((WritableComparable<?>) found, (WritableComparable<?>) key) < 0) more = data.next(found);
        if (lost == null && !(more && found.equals(key))) lost = Records.text(key);
        entries.add(Arrays.asList(Records.text(key), position.get()));
      }
    }
    line.put("indexEntries", entries.size());
    line.put("indexCorrect", lost == null);
    if (lost != null) {
      line.put("firstLostIndexKey", lost);
      faulty = true;
    }
    if (withIndex) line.put("index", entries);
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private void lookUp(Path path, MapFile.Reader[] readers, List<Path> parts, List<String> keys) throws IOException {
    Partitioner partitioner = new HashPartitioner<>();
    for (String text : keys) {
      WritableComparable key = Records.parseKey(readers[0].getKeyClass(), text);
      Writable value = Records.create(readers[0].getValueClass(), conf);
      Map<String, Object> line = Records.line("path", path.toString(), "get", text,
          "part", parts.get(partitioner.getPartition(key, value, readers.length)).getName());
      // A reader's value object is overwritten only when the key is there.
      Writable found = MapFileOutputFormat.getEntry(readers, partitioner, key, value);
      line.put("found", found != null);
      if (found != null) {
        byte[] payload = Records.payload(found);
        line.put("length", payload.length);
        line.put("sha256", Records.sha256(payload));
      }
      Records.print(line);
    }
    for (MapFile.Reader reader : readers) reader.close();
  }

  private void fault(Map<String, Object> line, Throwable error) throws IOException {
    faulty = true;
    line.put("error", error.getClass().getName());
    line.put("message", error.getMessage());
    Records.print(line);
  }

  private WritableComparator comparator(Class<?> keyClass) {
    return WritableComparable.class.isAssignableFrom(keyClass)
        ? WritableComparator.get(keyClass.asSubclass(WritableComparable.class), conf) : null;
  }

  private SequenceFile.Reader open(Path file) throws IOException {
    return new SequenceFile.Reader(conf, SequenceFile.Reader.file(fileSystem.makeQualified(file)));
  }
}
