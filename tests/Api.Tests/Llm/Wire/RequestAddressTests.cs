using System.Text;
using System.Text.Json;
using LlmAspire.Api.Llm;

namespace LlmAspire.Api.Tests.Llm.Wire;

/// <summary>What a server would fetch: only from the public web, and only over https.</summary>
public sealed class RequestAddressTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("https://pictures.example.com/a.png")]
    [InlineData("HTTPS://Pictures.Example.COM:8443/a.png?b=c#d")]
    [InlineData("https://pictures.example.com./a")]
    [InlineData("https://8.8.8.8/a")]
    [InlineData("https://172.32.0.1/")]
    [InlineData("https://[2606:4700:4700::1111]/a")]
    [InlineData("https://xn--bcher-kva.example/a@b")]
    [InlineData("https://1e100.net")]
    [InlineData("data:image/png;base64,AAAA")]
    public async Task a_public_address_and_a_picture_inside_pass(string url) => await ReadAsync(Picture(url));

    [Theory]
    [InlineData("")]
    [InlineData("a.png")]
    [InlineData("//pictures.example.com/a.png")]
    [InlineData("http://pictures.example.com/a.png")]
    [InlineData("https:pictures.example.com")]
    [InlineData("https:/pictures.example.com")]
    [InlineData("https:\\\\pictures.example.com")]
    [InlineData("https://")]
    [InlineData("https:///a")]
    [InlineData("https://:443/a")]
    [InlineData(" https://pictures.example.com")]
    [InlineData("https://pictures.example.com/a b")]
    [InlineData("https://pictures.example.com\n")]
    [InlineData("https://pictures.example.com\\@localhost/")]
    [InlineData("https://user@pictures.example.com/")]
    [InlineData("https://user:password@pictures.example.com/")]
    [InlineData("https://pictures.example.com:port/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://pictures.example.com/a")]
    [InlineData("gs://bucket/a.png")]
    [InlineData("s3://bucket/a.png")]
    [InlineData("blob:https://pictures.example.com/a")]
    [InlineData("data:text/html;base64,AAAA")]
    [InlineData("data:application/pdf;base64,AAAA")]
    [InlineData("data:,http://localhost")]
    [InlineData("https://localhost/")]
    [InlineData("https://LOCALHOST./")]
    [InlineData("https://a.localhost/")]
    [InlineData("https://litellm:4000/")]
    [InlineData("https://postgres/")]
    [InlineData("https://printer.local/")]
    [InlineData("https://metadata.google.internal/computeMetadata/v1/")]
    [InlineData("https://host.docker.internal/")]
    [InlineData("https://nas.home.arpa/")]
    [InlineData("https://nas.lan/")]
    [InlineData("https://api.default.svc/")]
    [InlineData("https://api.default.svc.cluster.local/")]
    [InlineData("https://a..example.com/")]
    [InlineData("https://example.com../")]
    [InlineData("https://exa%6dple.com/")]
    [InlineData("https://127.0.0.1/")]
    [InlineData("https://127.0.0.1./")]
    [InlineData("https://127.1/")]
    [InlineData("https://2130706433/")]
    [InlineData("https://0x7f000001/")]
    [InlineData("https://0x7f.1/")]
    [InlineData("https://0177.0.0.1/")]
    [InlineData("https://017700000001/")]
    [InlineData("https://0/")]
    [InlineData("https://0.0.0.0/")]
    [InlineData("https://10.1.2.3/")]
    [InlineData("https://100.64.0.1/")]
    [InlineData("https://169.254.169.254/latest/meta-data/")]
    [InlineData("https://0xA9FEA9FE/")]
    [InlineData("https://168.63.129.16/")]
    [InlineData("https://172.16.0.1/")]
    [InlineData("https://172.31.255.255/")]
    [InlineData("https://192.168.0.1/")]
    [InlineData("https://192.0.2.1/")]
    [InlineData("https://198.18.0.1/")]
    [InlineData("https://224.0.0.1/")]
    [InlineData("https://255.255.255.255/")]
    [InlineData("https://256.1.1.1/")]
    [InlineData("https://1.2.3.4.5/")]
    [InlineData("https://8.8.8.08/")]
    [InlineData("https://[::1]/")]
    [InlineData("https://[::]/")]
    [InlineData("https://[0:0:0:0:0:0:0:1]/")]
    [InlineData("https://[::ffff:127.0.0.1]/")]
    [InlineData("https://[::ffff:7f00:1]/")]
    [InlineData("https://[::ffff:8.8.8.8]/")]
    [InlineData("https://[64:ff9b::7f00:1]/")]
    [InlineData("https://[2002:7f00:1::]/")]
    [InlineData("https://[2001:db8::1]/")]
    [InlineData("https://[fc00::1]/")]
    [InlineData("https://[fd00:ec2::254]/")]
    [InlineData("https://[fe80::1]/")]
    [InlineData("https://[fe80::1%25eth0]/")]
    [InlineData("https://[ff02::1]/")]
    [InlineData("https://[2606:4700::1/")]
    [InlineData("https://[2606:4700::1]a/")]
    [InlineData("https://１２７.０.０.１/")]
    [InlineData("https://127。0。0。1/")]
    [InlineData("https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/")]
    public async Task every_other_address_is_refused(string url)
    {
        var refused = await Assert.ThrowsAsync<CallRefusedException>(() => ReadAsync(Picture(url)));

        Assert.Equal((400, "invalid_value"), (refused.Failure.Status, refused.Failure.Code));
        Assert.Contains("messages[0].content[0].image_url.url", refused.Failure.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"image_url","image_url":{"url":"\u0068ttp://a.example.com"}}""", "image_url.url")]
    [InlineData("""{"type":"image_url","image_url":{"url":"https:\/\/localhost\/a"}}""", "image_url.url")]
    [InlineData("""{"type":"file","file":{"file_data":"http://localhost/a.pdf"}}""", "file.file_data")]
    [InlineData("""{"type":"file","file":{"file_data":"https://pictures.example.com/a.pdf"}}""", "file.file_data")]
    [InlineData("""{"type":"file","file":{"file_data":"gs\u003a//bucket/a.pdf"}}""", "file.file_data")]
    [InlineData("""{"type":"file","file":{"file_id":"https://localhost/a.pdf"}}""", "file.file_id")]
    [InlineData("""{"type":"file","file":{"file_id":"gs://bucket/a.pdf"}}""", "file.file_id")]
    [InlineData("""{"type":"file","file":{"file_id":"/etc/passwd"}}""", "file.file_id")]
    [InlineData("""{"type":"input_audio","input_audio":{"data":"https://localhost/a.wav","format":"wav"}}""", "input_audio.data")]
    public async Task no_other_field_takes_an_address(string part, string named)
    {
        var refused = await Assert.ThrowsAsync<CallRefusedException>(() => ReadAsync($$"""{"messages":[{"role":"user","content":[{{part}}]}]}"""));

        Assert.Equal("invalid_value", refused.Failure.Code);
        Assert.Contains($"messages[0].content[0].{named}", refused.Failure.Detail, StringComparison.Ordinal);
    }

    /// <summary>PHP writes every slash so.</summary>
    [Theory]
    [InlineData("data:image/png;base64,")]
    [InlineData("data:image\\/png;base64,")]
    [InlineData("d\\u0061ta:image\\/png;base64,")]
    public async Task a_picture_inside_is_bounded_however_it_is_escaped(string prefix)
    {
        var request = await ReadAsync(
            $$$"""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"{{{prefix}}}{{{new string('A', 100_000)}}}"}}]}]}""");

        Assert.InRange(request.PromptBound, 50_000, 50_500);
    }

    private static string Picture(string url) =>
        $$$"""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":{{{JsonSerializer.Serialize(url)}}}}}]}]}""";

    private static Task<ProviderRequest> ReadAsync(string body) =>
        ProviderRequest.ReadAsync(new StringContent(body, Encoding.UTF8, "application/json"), Guid.NewGuid(), 8192, Token);
}
