import { Client } from "annals-client";
new Client({
  endpoints: ["https://annals-1:2113", "https://annals-2:2113"],
  tls: { rootCertificates: new URL("file:///etc/annals/ca.pem") },
});
