using LlmAspire.ServiceDefaults.Traces;

namespace LlmAspire.Api.Tests.Traces;

public class SqlSummaryTests
{
    [Theory]
    [InlineData("SELECT a.id FROM tenant.account AS a WHERE a.email = @email LIMIT 2", "SELECT account")]
    [InlineData("""select "Id" from "Some Table" """, "SELECT Some Table")]
    [InlineData("SELECT at FROM (SELECT hour AS at FROM ledger.usage_day) AS day JOIN ledger.llm_price ON true", "SELECT usage_day")]
    [InlineData("SELECT * FROM ledger.price_periods($1) WHERE valid_to > $2", "SELECT price_periods")]
    [InlineData("SELECT EXISTS (SELECT 1 FROM tenant.conversation AS c)", "SELECT conversation")]
    [InlineData("SELECT p.id, (SELECT a.email FROM tenant.account AS a WHERE a.id = p.user_id) FROM tenant.prompt AS p", "SELECT prompt")]
    [InlineData("SELECT 1", "SELECT")]
    [InlineData("SELECT pg_notify('a', 'DELETE FROM b')", "SELECT")]
    [InlineData("INSERT INTO tenant.web_key (xml) VALUES (@p0) RETURNING id", "INSERT web_key")]
    [InlineData("INSERT INTO a.b AS c (d) VALUES ($1) ON CONFLICT (d) DO UPDATE SET d = excluded.d", "INSERT b")]
    [InlineData("UPDATE ONLY tenant.conversation AS c SET title = @p WHERE c.id = @id", "UPDATE conversation")]
    [InlineData("DELETE FROM tenant.api_key WHERE id = @id", "DELETE api_key")]
    [InlineData("SELECT org_id FROM ledger.allowance ORDER BY org_id FOR NO KEY UPDATE OF allowance", "SELECT allowance")]
    [InlineData("SELECT id FROM ledger.usage_inbox LIMIT $1 FOR UPDATE SKIP LOCKED", "SELECT usage_inbox")]
    [InlineData("WITH recent (id) AS MATERIALIZED (SELECT id FROM tenant.run), one AS NOT MATERIALIZED (SELECT 1) SELECT * FROM one JOIN recent ON true", "SELECT run")]
    [InlineData("WITH call (id) AS (SELECT * FROM unnest($1)), opened AS (INSERT INTO ledger.open_call (id) SELECT id FROM call RETURNING id) SELECT id FROM opened", "INSERT open_call")]
    [InlineData("INSERT INTO t.a (x) VALUES ($1); INSERT INTO t.a (x) VALUES ($2); UPDATE t.b SET x = 1; DELETE FROM t.c; DELETE FROM t.d", "INSERT a UPDATE b DELETE c")]
    [InlineData("-- UPDATE a.b\n/* DELETE\nFROM c */ SELECT $tag$ UPDATE d $tag$ FROM e", "SELECT e")]
    [InlineData("SET TRANSACTION READ ONLY; SET LOCAL jit = off", "SET")]
    [InlineData("LISTEN usage_inbox", "LISTEN")]
    [InlineData("", "")]
    public void it_says_what_is_done_to_which_table(string sql, string summary) => Assert.Equal(summary, SqlSummary.Of(sql));

    [Theory]
    [InlineData("/v1/chat/completions", "/v1/chat/completions")]
    [InlineData("/conversations/01a2062a-76cb-7a05-8142-b430b8689a62", "/conversations/{id}")]
    [InlineData("/chat/runs/01a2062a-76cb-7a05-8142-b430b8689a62/events", "/chat/runs/{id}/events")]
    [InlineData("/", "/")]
    public void a_path_without_its_ids_names_a_request(string path, string template) => Assert.Equal(template, TraceExtensions.PathTemplate(path));
}
