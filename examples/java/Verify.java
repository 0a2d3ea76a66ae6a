import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.text.ParseException;
import java.util.Set;

/** Verifies access tokens of a Latchkey server: one on each line of the standard input, one answer on each line of the output. */
public class Verify {
  static DefaultJWTProcessor<SecurityContext> processor(String issuer, String url) throws Exception {
    // Keeps the keys for five minutes, and asks again for a kid that it does not know.
    JWKSource<SecurityContext> keys = JWKSourceBuilder.create(URI.create(url + "/.well-known/jwks.json").toURL()).build();
    var claims = new DefaultJWTClaimsVerifier<SecurityContext>(
        issuer, // the audience
        new JWTClaimsSet.Builder().issuer(issuer).build(),
        Set.of("exp", "iat", "sub", "sid", "jti"));
    claims.setMaxClockSkew(30);
    var processor = new DefaultJWTProcessor<SecurityContext>();
    processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(Set.of(JWSAlgorithm.ES256, JWSAlgorithm.RS256), keys));
    processor.setJWTClaimsSetVerifier(claims);
    return processor;
  }

  public static void main(String[] args) throws Exception {
    String issuer = System.getenv("AUTH_ISSUER");
    var processor = processor(issuer, System.getenv().getOrDefault("AUTH_URL", issuer));
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      try {
        JWTClaimsSet claims = processor.process(line, null);
        String roles = String.join(",", claims.getStringListClaim("roles"));
        System.out.println("accepted " + claims.getSubject() + " " + claims.getStringClaim("sid") + " " + roles);
      } catch (KeySourceException unavailable) {
        System.out.println("unavailable");
      } catch (BadJOSEException | ParseException | JOSEException refused) {
        System.out.println("refused");
      }
    }
  }
}
