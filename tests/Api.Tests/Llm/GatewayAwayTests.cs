using System.Net;
using System.Net.Sockets;

namespace LlmAspire.Api.Tests.Llm;

public class GatewayAwayTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task away_at_start_everything_is_503_until_the_gateway_comes()
    {
        var port = TestGateway.FreePort();
        await using var api = new ApiFactory($"http://127.0.0.1:{port}/v1");
        var client = api.CreateClient();
        client.DefaultRequestHeaders.Authorization = new(HeaderSignIn.SchemeName, "pro");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/health", Token)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/alive", Token)).StatusCode);
        foreach (var response in new[]
        {
            await client.GetAsync("/llm/models", Token),
            await client.ChatAsync(new { message = "Hi" }),
            await client.ChatAsync(new { message = "" }),
            await client.DeleteAsync($"/chat/runs/{Guid.NewGuid()}", Token),
        })
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.NotNull(response.Headers.RetryAfter?.Delta);
            Assert.Equal("gateway_starting", (await response.ReadProblemAsync()).GetProperty("code").GetString());
            response.Dispose();
        }

        await using var gateway = await TestGateway.StartAsync(port);
        await Until.TrueAsync(async () => (await client.GetAsync("/health", Token)).IsSuccessStatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/llm/models", Token)).StatusCode);
        using var answer = await client.ChatAsync(new { message = "Hi" });
        Assert.Equal("done", (await answer.ReadAllEventsAsync())[^1].Type);
    }

    [Fact]
    public async Task away_later_models_are_stale_chat_is_503_and_both_recover()
    {
        var port = TestGateway.FreePort();
        await using var api = new ApiFactory($"http://127.0.0.1:{port}") { Settings = { ["Gateway:CatalogRefresh"] = "00:00:00.100" } };
        HttpClient client;
        await using (await TestGateway.StartAsync(port))
        {
            client = await api.CreateSignedInClientAsync();
            using var answer = await client.ChatAsync(new { message = "Hi" });
            await answer.ReadAllEventsAsync();
        }

        await Until.TrueAsync(async () => (await client.GetAsync("/llm/models", Token)).Headers.Contains("X-Models-Stale"));
        using var models = await client.GetAsync("/llm/models", Token);
        Assert.Equal(HttpStatusCode.OK, models.StatusCode);
        Assert.Contains("claude-default", await models.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        Assert.Equal(
            """{"status":"Degraded","checks":{"gateway":{"status":"Degraded","description":"The gateway does not answer."}}}""",
            await client.GetStringAsync("/health", Token));

        using var refused = await client.ChatAsync(new { message = "Hi" });
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);
        Assert.Equal("gateway_unavailable", (await refused.ReadProblemAsync()).GetProperty("code").GetString());

        await using var back = await TestGateway.StartAsync(port);
        using var recovered = await client.ChatAsync(new { message = "Hi" });
        Assert.Equal("done", (await recovered.ReadAllEventsAsync())[^1].Type);
        await Until.TrueAsync(async () => !(await client.GetAsync("/llm/models", Token)).Headers.Contains("X-Models-Stale"));
        Assert.DoesNotContain(api.Logs.Entries, entry => entry.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
    }

    [Fact]
    public async Task a_gateway_that_takes_no_connection_is_503_too()
    {
        // A listener whose queue is full: its connections neither come about nor are they refused.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        listener.Close();
        await using var api = new ApiFactory($"http://127.0.0.1:{port}");
        HttpClient client;
        await using (await TestGateway.StartAsync(port))
        {
            client = await api.CreateSignedInClientAsync();
        }

        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        full.Bind(new IPEndPoint(IPAddress.Loopback, port));
        full.Listen(0);
        var fillers = new List<Socket>();
        try
        {
            for (var i = 0; i < 4; i++)
            {
                var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                fillers.Add(filler);
                _ = filler.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), Token).AsTask().ContinueWith(_ => { }, TaskScheduler.Default);
            }

            // Without a limit of its own the connection would be tried for minutes.
            using var response = await client.ChatAsync(new { message = "Hi" }).WaitAsync(TimeSpan.FromSeconds(30), Token);

            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.Equal("gateway_unavailable", (await response.ReadProblemAsync()).GetProperty("code").GetString());
        }
        finally
        {
            fillers.ForEach(filler => filler.Dispose());
        }
    }
}
