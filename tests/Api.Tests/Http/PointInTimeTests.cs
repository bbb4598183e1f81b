using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace LlmAspire.Api.Tests.Http;

/// <summary>The zone of the server must not decide what a time means that somebody sends.</summary>
public class PointInTimeTests(OperatorFixture fixture) : IClassFixture<OperatorFixture>
{
    private HttpClient Client => fixture.Client;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string> Prices
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            foreach (var (method, path) in new[] { ("PUT", "/prices"), ("POST", "/prices/preview"), ("POST", "/prices/import") })
            {
                foreach (var time in new[] { "2026-12-01T00:00:00", "2026-12-01", "2026-12-01T00:00", "2026-12-01T00:00:00.000", "2026-12-01 00:00:00Z", "tomorrow", "" })
                {
                    data.Add(method, path, time);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Prices))]
    public async Task the_start_of_a_price_without_an_offset_is_refused(string method, string path, string time)
    {
        var model = $"refused {method} {path} {time}";
        using var response = await SendPriceAsync(method, path, model, time);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var problem = await response.ReadProblemAsync();
        Assert.Equal("json_unexpected", problem.GetProperty("code").GetString());
        Assert.Equal(
            "Look at $.changes[0].effectiveFrom: send a time with its offset from UTC, such as 2026-12-01T00:00:00Z.", problem.GetProperty("detail").GetString());
        Assert.Empty(await StartsAsync(model));
    }

    [Theory]
    [InlineData("2026-12-01T00:00:00Z")]
    [InlineData("2026-12-01T05:30:00+05:30")]
    [InlineData("2026-11-30T19:00-05:00")]
    [InlineData("2026-12-01T00:00:00.000000000Z")]
    public async Task the_start_of_a_price_with_an_offset_is_that_moment(string time)
    {
        var model = $"saved {time}";
        using var response = await SendPriceAsync("PUT", "/prices", model, time);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(["2026-12-01T00:00:00+00:00", "2026-12-01T00:00:00+00:00"], await StartsAsync(model));
    }

    [Theory]
    [InlineData("/prices/unpriced?from=2026-11-01T00:00:00", "times_invalid")]
    [InlineData("/prices/unpriced?to=2026-11-01", "times_invalid")]
    [InlineData("/prices/unpriced?from=Sun%2001-Nov-2026%2000:00:00", "times_invalid")]
    [InlineData("/prices/unpriced?from=2026-11-01T00:00:00+01:00", "times_invalid")]
    [InlineData("/usage/summary?from=2026-11-01T00:00:00", "report_invalid")]
    [InlineData("/usage/summary?from=Tue%2003-Nov-2026%2000:00:00", "report_invalid")]
    [InlineData("/usage/calls?to=2026-11-01T00:00", "report_invalid")]
    [InlineData("/usage/export?format=csv&from=2026-11-01T00:00:00.5", "report_invalid")]
    [InlineData("/usage/latency?from=2026-11-01T00:00:00", "report_invalid")]
    [InlineData("/usage/summary?asOf=12@2026-11-23T19:13:45", "report_invalid")]
    [InlineData("/usage/summary?asOf=12@2026-11-23", "report_invalid")]
    public async Task a_time_in_a_query_without_an_offset_is_refused(string path, string code)
    {
        using var response = await Client.GetAsync(path, Token);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var problem = await response.ReadProblemAsync();
        Assert.True(code == problem.GetProperty("code").GetString(), problem.ToString());
        Assert.Matches("[0-9]Z", problem.GetRawText());
    }

    [Theory]
    [InlineData("/conversations?cursor=", """{"pinned":false,"updatedAt":"2026-11-01T00:00:00","id":"0195f000-0000-7000-8000-0000000000b1"}""")]
    [InlineData("/prompts?cursor=", """{"updatedAt":"2026-11-01T00:00:00","id":"0195f000-0000-7000-8000-0000000000b1"}""")]
    public async Task a_time_in_a_cursor_without_an_offset_is_refused(string path, string cursor)
    {
        using var response = await Client.GetAsync(path + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(cursor)), Token);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("cursor_invalid", (await response.ReadProblemAsync()).GetProperty("code").GetString());
    }

    [Fact]
    public async Task the_description_says_that_a_time_is_one()
    {
        var document = await Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json", Token);

        var entry = document.GetProperty("components").GetProperty("schemas").GetProperty("PriceEntry");
        var time = entry.GetProperty("properties").GetProperty("effectiveFrom");
        Assert.True(time.TryGetProperty("type", out var type) && type.GetString() == "string", time.GetRawText());
        Assert.Equal("date-time", time.GetProperty("format").GetString());
    }

    private async Task<HttpResponseMessage> SendPriceAsync(string method, string path, string model, string time)
    {
        string[] entries = [.. new[] { "input", "output" }.Select(tokenClass =>
            $$"""{"provider":"openai","model":"{{model}}","tokenClass":"{{tokenClass}}","effectiveFrom":"{{time}}","usdPerMillion":1}""")];
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Content = new StringContent($$"""{"reason":"x","changes":[{{string.Join(',', entries)}}]}""", Encoding.UTF8, "application/json");
        return await Client.SendAsync(request, Token);
    }

    private async Task<IEnumerable<string?>> StartsAsync(string model) =>
        (await Client.GetFromJsonAsync<JsonElement>("/prices", Token)).GetProperty("entries").EnumerateArray().Select(saved => saved.GetProperty("entry"))
        .Where(entry => entry.GetProperty("model").GetString() == model).Select(entry => entry.GetProperty("effectiveFrom").GetString());
}
