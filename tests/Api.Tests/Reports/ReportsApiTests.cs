using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.Usage;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.Api.Tests.Reports;

/// <summary>Who sees whose usage, and how a bad question is answered. What the figures are is tested with the ledger.</summary>
public sealed class ReportsApiTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_member_sees_their_own_an_admin_the_organisations_and_an_operator_everybodys()
    {
        var admin = await fixture.RegisterAsync();
        var member = await fixture.RegisterAsync(await admin.InviteAsync());
        var stranger = await fixture.RegisterAsync();
        await IngestAsync(Call(admin, 10), Call(member, 100), Call(member, 1_000), Call(stranger, 10_000));

        Assert.Equal(1_100, await TokensAsync(member, ""));
        Assert.Equal(10, await TokensAsync(admin, "scope=me"));
        Assert.Equal(1_110, await TokensAsync(admin, "scope=organisation"));
        Assert.Equal(1_100, await TokensAsync(admin, $"scope=organisation&user={member.Id}"));
        Assert.Equal(0, await TokensAsync(admin, $"scope=organisation&user={stranger.Id}"));
        using var operators = await fixture.Api.CreateSignedInClientAsync("operator");
        var all = await operators.ReadAsync($"/usage/summary?scope=all&groupBy=organisation&org={admin.Organisation}&org={stranger.Organisation}");
        Assert.Equal([10_000L, 1_110L], all.GetProperty("rows").EnumerateArray().Select(row => row.GetProperty("totalTokens").GetInt64()).OrderDescending());
        Assert.Equal("Acme", all.GetProperty("names").GetProperty(admin.Organisation.ToString()).GetString());

        var people = await ReadAsync(admin, "/usage/summary?scope=organisation&groupBy=user");
        Assert.Equal(
            [admin.Email, member.Email],
            people.GetProperty("names").EnumerateObject().Select(name => name.Value.GetString()!).OrderBy(name => name == admin.Email ? 0 : 1));
    }

    [Theory]
    [InlineData("summary?scope=organisation", "admin_required")]
    [InlineData("calls?scope=organisation", "admin_required")]
    [InlineData("latency?scope=organisation", "admin_required")]
    [InlineData("export?scope=organisation", "admin_required")]
    [InlineData("summary?scope=all", "operator_required")]
    [InlineData("calls?scope=all", "operator_required")]
    [InlineData("export?scope=all", "operator_required")]
    [InlineData("budget?org=0195f000-0000-7000-8000-0000000000b2", "operator_required")]
    public async Task what_is_not_theirs_is_refused(string path, string code)
    {
        var admin = await fixture.RegisterAsync();
        var member = await fixture.RegisterAsync(await admin.InviteAsync());
        using var made = await admin.SendAsync(HttpMethod.Post, "/identity/api-keys", new { name = "report" });
        var key = (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("key").GetString();

        using var refused = await member.GetAsync($"/usage/{path}");
        await refused.IsProblemAsync(HttpStatusCode.Forbidden, code);
        // A key is for what its owner does, also an admin's.
        using var withKey = await fixture.Client.SendAsync(HttpMethod.Get, $"/usage/{path}", key);
        await withKey.IsProblemAsync(HttpStatusCode.Forbidden, code);
    }

    [Theory]
    [InlineData("summary?groupBy=colour", "groupBy", "Possible are hour, day, week")]
    [InlineData("summary?groupBy=day&groupBy=hour", "groupBy", "one time")]
    [InlineData("summary?groupBy=model&groupBy=model", "groupBy", "different")]
    [InlineData("summary?groupBy=day&groupBy=model&groupBy=user&groupBy=outcome", "groupBy", "at most 3")]
    [InlineData("summary?zone=Mars/Olympus", "zone", "IANA")]
    [InlineData("summary?from=yesterday", "from", "2026-11-01")]
    [InlineData("summary?from=2026-11-01T00:00:00", "from", "offset")]
    [InlineData("summary?from=2026-11-02&to=2026-11-01", "from", "before to")]
    [InlineData("summary?from=2010-01-01&to=2026-01-01", "from", "at most")]
    [InlineData("summary?from=0001-01-01", "from", "2000")]
    [InlineData("summary?scope=everybody", "scope", "me, organisation, all")]
    [InlineData("summary?user=ada", "user", "id")]
    [InlineData("summary?org=0195f000-0000-7000-8000-0000000000b2", "org", "scope=all")]
    [InlineData("summary?outcome=2", "outcome", "completed")]
    [InlineData("summary?model=%00", "model", "NUL")]
    [InlineData("summary?asOf=7", "asOf", "earlier answer")]
    [InlineData("summary?asOf=7@2026-01-01T00:00:00Z", "asOf", "earlier answer")]
    [InlineData("summary?asOf=0@2126-01-01T00:00:00Z", "asOf", "future")]
    [InlineData("latency?groupBy=user", "groupBy", "Possible are model")]
    [InlineData("latency?from=2026-01-01&to=2026-11-01", "from", "at most 31 days")]
    [InlineData("calls?cursor=x", "cursor", "page before")]
    [InlineData("calls?limit=0", "limit", "1 to 200")]
    [InlineData("calls?limit=201", "limit", "1 to 200")]
    [InlineData("calls?request=x", "request", "id")]
    [InlineData("calls/0195f000-0000-7000-8000-0000000000b2?asOf=x", "asOf", "earlier answer")]
    [InlineData("export?format=xlsx", "format", "csv and jsonl")]
    public async Task what_is_wrong_with_a_question_is_told_by_parameter(string path, string parameter, string words)
    {
        var person = await fixture.RegisterAsync();

        using var refused = await person.GetAsync($"/usage/{path}");

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        var problem = await refused.ReadProblemAsync();
        Assert.Equal("report_invalid", problem.GetProperty("code").GetString());
        Assert.Contains(words, string.Join(' ', problem.GetProperty("errors").GetProperty(parameter).EnumerateArray().Select(one => one.GetString())));
    }

    [Fact]
    public async Task hours_of_days_that_are_kept_as_days_are_refused_with_the_last_of_them()
    {
        await fixture.QueryAsync<object>("INSERT INTO ledger.usage_day (day, hours_folded) VALUES ('2003-05-05', true), ('2003-05-06', false) RETURNING day");
        var person = await fixture.RegisterAsync();

        using var refused = await person.GetAsync("/usage/summary?groupBy=hour&from=2003-05-01&to=2003-05-31");
        var problem = await refused.ReadProblemAsync();
        Assert.Equal((HttpStatusCode.BadRequest, "report_invalid"), (refused.StatusCode, problem.GetProperty("code").GetString()));
        Assert.StartsWith("Up to 2003-05-05 (UTC)", problem.GetProperty("errors").GetProperty("from")[0].GetString(), StringComparison.Ordinal);

        await ReadAsync(person, "/usage/summary?groupBy=day&from=2003-05-01&to=2003-05-31");
        await ReadAsync(person, "/usage/summary?groupBy=hour&from=2003-05-06&to=2003-05-31");
    }

    [Fact]
    public async Task calls_are_paged_and_told_to_whom_they_belong()
    {
        var admin = await fixture.RegisterAsync();
        var member = await fixture.RegisterAsync(await admin.InviteAsync());
        var stranger = await fixture.RegisterAsync();
        var calls = Enumerable.Range(1, 5).Select(tokens => Call(member, tokens)).ToArray();
        await IngestAsync([.. calls, Call(stranger, 7)]);

        List<Guid> seen = [];
        for (var (cursor, pages) = ("", 0); cursor is not null; pages++)
        {
            Assert.True(pages < 3);
            var page = await ReadAsync(member, $"/usage/calls?limit=2&cursor={cursor}");
            seen.AddRange(page.GetProperty("calls").EnumerateArray().Select(call => call.GetProperty("id").GetGuid()));
            cursor = page.GetProperty("next").GetString();
        }

        Assert.Equal(calls.Select(call => call.Id).Order(), seen.Order());
        foreach (var person in new[] { member, admin })
        {
            var story = await ReadAsync(person, $"/usage/calls/{calls[0].Id}");
            Assert.Equal((calls[0].Id, member.Email), (story.GetProperty("id").GetGuid(), story.GetProperty("names").GetProperty(member.Id.ToString()).GetString()));
            Assert.True(story.GetProperty("unpriced").GetBoolean());
            Assert.Equal(JsonValueKind.Null, story.GetProperty("costUsd").ValueKind);
        }

        using var hidden = await stranger.GetAsync($"/usage/calls/{calls[0].Id}");
        await hidden.IsProblemAsync(HttpStatusCode.NotFound, "call_unknown");
        using var colleagues = await member.GetAsync($"/usage/calls/{(await IngestAsync(Call(admin, 3)))[0].Id}");
        await colleagues.IsProblemAsync(HttpStatusCode.NotFound, "call_unknown");
    }

    [Theory]
    [InlineData("csv", "text/csv", 4)]
    [InlineData("jsonl", "application/jsonl", 3)]
    public async Task a_file_is_downloaded_with_its_name_and_pin(string format, string contentType, int lines)
    {
        var person = await fixture.RegisterAsync();
        await IngestAsync(Call(person, 1), Call(person, 2), Call(person, 3));

        using var file = await person.GetAsync($"/usage/export?format={format}");

        Assert.Equal(HttpStatusCode.OK, file.StatusCode);
        Assert.Equal(contentType, file.Content.Headers.ContentType?.MediaType);
        Assert.EndsWith($".{format}", file.Content.Headers.ContentDisposition?.FileName);
        Assert.True(AsOf.TryParse(file.Headers.GetValues("X-As-Of").Single(), CultureInfo.InvariantCulture, out _));
        Assert.Equal(lines, (await file.Content.ReadAsStringAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task a_file_that_is_not_whole_does_not_end_well()
    {
        var person = await fixture.RegisterAsync();
        await IngestAsync(Call(person, 1));
        await using var source = NpgsqlDataSource.Create(fixture.Database);
        await using var connection = await source.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using (var block = new NpgsqlCommand("LOCK TABLE ledger.llm_usage", connection))
        {
            await block.ExecuteNonQueryAsync(Cancellation);
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, "/usage/export");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", person.Tokens.Access);
        using var file = await fixture.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal(HttpStatusCode.OK, file.StatusCode);
        await Until.TrueAsync(async () => await fixture.QueryAsync<bool>(
            "SELECT coalesce(bool_or(pg_terminate_backend(pid)), false) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND wait_event_type = 'Lock' AND datname = current_database()"));

        await Assert.ThrowsAnyAsync<Exception>(() => file.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task money_that_does_not_fit_into_a_decimal_is_explained()
    {
        var person = await fixture.RegisterAsync();
        // 123,456,789,011.999999876543210988 USD.
        var (call, price) = (Call(person, 123_456_789_012) with { ServedModel = "dear" }, 999_999.999999999999m);
        await IngestAsync(call);
        PriceEntry[] dear = [Price(TokenClasses.Input, price), Price(TokenClasses.Output, price)];
        await fixture.Api.Services.GetRequiredService<PriceRegistry>().SaveAsync(PriceSource.Manual, "test", "test", dear, null, acceptImplausible: true, Cancellation);

        foreach (var path in new[] { "summary", "calls", $"calls/{call.Id}" })
        {
            using var refused = await person.GetAsync($"/usage/{path}");
            await refused.IsProblemAsync(HttpStatusCode.BadRequest, "amount_too_large");
        }

        using var operators = await fixture.Api.CreateSignedInClientAsync("operator");
        // What mends it can be previewed, as far as there are amounts: what it is now is none.
        using var preview = await operators.PostAsJsonAsync("/prices/preview", new { changes = new[] { Price(TokenClasses.Input, 1) } }, Cancellation);
        var effects = await preview.ReadAsync();
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (effects.GetProperty("differenceUsd").ValueKind, effects.GetProperty("effects")[0].GetProperty("differenceUsd").ValueKind));
        Assert.Equal(JsonValueKind.Null, effects.GetProperty("effects")[0].GetProperty("oldCostUsd").ValueKind);
        Assert.Equal(123_456.789012m, effects.GetProperty("effects")[0].GetProperty("newCostUsd").GetDecimal());
        // And a file has every digit.
        using var file = await person.GetAsync("/usage/export");
        Assert.Contains("123456789011.999999876543210988", await file.Content.ReadAsStringAsync(Cancellation));
        using var mended = await operators.PutAsJsonAsync("/prices", new { changes = new[] { Price(TokenClasses.Input, 1) }, reason = "unit" }, Cancellation);
        Assert.Equal(HttpStatusCode.OK, mended.StatusCode);
        Assert.Equal(123_456.789012m, (await ReadAsync(person, "/usage/summary")).GetProperty("totals").GetProperty("costUsd").GetDecimal());

        PriceEntry Price(string tokenClass, decimal usd) => new("openai", "dear", tokenClass, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), usd);
    }

    [Fact]
    public async Task a_budget_tells_what_is_left_and_where_it_leads()
    {
        var person = await fixture.RegisterAsync();
        var now = fixture.Time.GetUtcNow();
        await IngestAsync([.. Enumerable.Range(0, 4).Select(day => Call(person, 300_000, now.AddDays(-day)))]);
        var inMonth = Enumerable.Range(0, 4).Count(day => now.AddDays(-day).Month == now.Month);

        var budget = await ReadAsync(person, "/usage/budget");

        Assert.Equal((2_000_000, 300_000L * inMonth), (budget.GetProperty("limitTokens").GetInt64(), budget.GetProperty("usedTokens").GetInt64()));
        Assert.Equal(2_000_000 - (300_000L * inMonth), budget.GetProperty("leftTokens").GetInt64());
        Assert.Equal(3, budget.GetProperty("basis").GetProperty("days").GetInt32());
        var end = new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1);
        var forecast = (300_000 * inMonth) + (300_000 * (end - now).TotalDays);
        Assert.InRange(budget.GetProperty("forecastTokens").GetInt64(), forecast - 5_000, forecast + 5_000);
        Assert.Equal(forecast > 2_000_000, budget.GetProperty("likelyExhaustedAt").ValueKind == JsonValueKind.String);
        Assert.Equal(inMonth, budget.GetProperty("unpricedCalls").GetInt32());
    }

    private static UsageEvent Call(Person person, long tokens, DateTimeOffset? at = null) => new()
    {
        Id = Guid.CreateVersion7(at ?? DateTimeOffset.UtcNow),
        RequestId = Guid.CreateVersion7(),
        UserId = person.Id,
        OrgId = person.Organisation,
        Operation = UsageOperation.Chat,
        ModelAlias = "chat-default",
        Provider = "openai",
        ServedModel = "m",
        PromptTokens = tokens,
        CompletionTokens = 0,
        Source = UsageSource.Provider,
        Outcome = UsageOutcome.Completed,
        DurationMs = 5,
    };

    private async Task<UsageEvent[]> IngestAsync(params UsageEvent[] calls)
    {
        var writer = fixture.Api.Services.GetRequiredService<IUsageEventWriter>();
        await Task.WhenAll(calls.Select(call => writer.WriteAsync(call, Cancellation)));
        var ingestion = ActivatorUtilities.CreateInstance<UsageIngestion>(fixture.Api.Services);
        while ((await ingestion.IngestAsync(500, Cancellation)).Taken > 0)
        {
        }

        return calls;
    }

    private static async Task<long> TokensAsync(Person person, string query) =>
        (await ReadAsync(person, $"/usage/summary?{query}")).GetProperty("totals").GetProperty("totalTokens").GetInt64();

    private static async Task<JsonElement> ReadAsync(Person person, string path)
    {
        using var answer = await person.GetAsync(path);
        return await answer.ReadAsync();
    }
}

file static class ReportsClient
{
    public static async Task<JsonElement> ReadAsync(this HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path, TestContext.Current.CancellationToken);
        return await answer.ReadAsync();
    }
}
