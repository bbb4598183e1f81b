using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LlmAspire.Api.Tests.Http;

public class BodyLimitTests
{
    // On a real port: the limit is Kestrel's.
    [Fact]
    public async Task a_body_above_the_limit_is_413_and_names_the_limit()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Settings = { ["urls"] = "http://127.0.0.1:0" } };
        // Not UseKestrel(0): it sets the address while Program may be starting the server already, and then throws.
        api.UseKestrel();
        api.StartServer();
        using var client = await api.CreateSignedInClientAsync();

        using var content = new StringContent($$"""{"message":"{{new string('x', 5 * 1024 * 1024)}}"}""", Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat") { Content = content };
        // The refusal comes before the body is sent; without this the connection may end while it is on its way.
        request.Headers.ExpectContinue = true;
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        var problem = await response.ReadProblemAsync();
        Assert.Equal("body_too_large", problem.GetProperty("code").GetString());
        Assert.Contains("4,194,304", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.False(response.Headers.Contains("Server"));
    }

    // The server's own clock decides: it gives a body five seconds before it counts its bytes.
    [Fact]
    public async Task a_body_that_trickles_is_cut()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Settings = { ["urls"] = "http://127.0.0.1:0" } };
        api.UseKestrel();
        api.StartServer();
        using var client = await api.CreateSignedInClientAsync();

        using var connection = new TcpClient();
        await connection.ConnectAsync(client.BaseAddress!.Host, client.BaseAddress.Port, TestContext.Current.CancellationToken);
        await using var stream = connection.GetStream();
        await stream.WriteAsync(
            "POST /chat HTTP/1.1\r\nHost: api\r\nAuthorization: Test pro\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{\"message\":\""u8.ToArray(),
            TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);

        Assert.Equal("HTTP/1.1 408 Request Timeout", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
    }
}
