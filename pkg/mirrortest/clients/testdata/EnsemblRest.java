import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class EnsemblRest {
  static final String SERVER = "http://rest.ensembl.org";

  static HttpURLConnection connect(String path, String type) throws Exception {
    HttpURLConnection connection = (HttpURLConnection) new URL(SERVER + path).openConnection();
    connection.setRequestProperty("Content-Type", type);
    return connection;
  }

  static String read(InputStream in) throws Exception {
    try (in) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  static String get(String path, String type) throws Exception {
    HttpURLConnection connection = connect(path, type);
    if (connection.getResponseCode() != 200) {
      throw new RuntimeException(path + ": " + connection.getResponseCode());
    }
    return read(connection.getInputStream());
  }

  static String find(String pattern, String text) {
    Matcher m = Pattern.compile(pattern).matcher(text);
    return m.find() ? m.group(1) : "none";
  }

  public static void main(String[] args) throws Exception {
    String gene = get("/lookup/id/ENSG00000157764?expand=1", "application/json");
    System.out.println("gene " + find("\"canonical_transcript\":\"([^\"]*)\"", gene) + " "
        + Pattern.compile("\"object_type\":\"Transcript\"").matcher(gene).results().count());

    HttpURLConnection post = connect("/lookup/id", "application/json");
    post.setRequestMethod("POST");
    post.setRequestProperty("Accept", "application/json");
    post.setDoOutput(true);
    try (OutputStream body = post.getOutputStream()) {
      body.write("{ \"ids\" : [\"ENSG00000157764\", \"ENSG00000000000\" ] }".getBytes(StandardCharsets.UTF_8));
    }
    String batch = read(post.getInputStream());
    System.out.println("batch " + find("\"display_name\":\"([^\"]*)\"", batch) + " "
        + find("\"ENSG00000000000\":(\\{)", batch));

    System.out.print(get("/sequence/id/ENST00000288602?type=protein", "text/x-fasta"));
    System.out.print(get("/overlap/region/human/7:41000-57000?feature=gene;feature=transcript", "text/x-gff3"));

    HttpURLConnection failure = connect("/lookup/id/ENSG00000000000", "application/json");
    int status = failure.getResponseCode();
    System.out.println("error " + status + " " + find("\"error\":\"([^\"]*)\"", read(failure.getErrorStream())));
  }
}
