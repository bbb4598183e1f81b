using System.Net;
using System.Net.Sockets;
using LlmAspire.AppHost.Preflight;

namespace LlmAspire.AppHost.Tests;

/// <summary>What is looked at before a process is started.</summary>
public sealed class PreflightTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void the_configuration_of_the_repository_is_right() =>
        Assert.Null(GatewayConfigCheck.FindError(Path.Combine(Solution.Folder, "litellm", "config.yaml")));

    [Theory]
    [InlineData("model_list: 5", "line 1: model_list is not a list of models.")]
    [InlineData("model_list: []", "line 1: model_list is not a list of models.")]
    [InlineData("model_list:", "line 1: model_list is not a list of models.")]
    [InlineData("", "line 1: The file holds no settings.")]
    [InlineData("just words", "line 1: The file holds no settings.")]
    [InlineData("general_settings: {}", "line 1: model_list is missing.")]
    [InlineData("model_list:\n  - chat-default", "line 2: A model is not complete.")]
    [InlineData("model_list:\n  - model_name: chat-default\n", "line 2: A model is not complete.")]
    [InlineData("model_list:\n  - model_name: a\n    litellm_params: { model: openai/a }\n  - model_name: b\n    litellm_params: []", "line 4: A model is not complete.")]
    [InlineData("model_list:\n  - model_name: a\n    litellm_params: [\n", "line ")]
    public void a_configuration_that_no_gateway_can_use_is_told_with_its_line(string yaml, string error)
    {
        File.WriteAllText(_file, yaml);

        Assert.Contains(error, GatewayConfigCheck.FindError(_file), StringComparison.Ordinal);
    }

    [Fact]
    public void a_configuration_that_is_not_there_is_told_with_the_setting() =>
        Assert.Contains("Correct Stack:GatewayConfig", GatewayConfigCheck.FindError(_file + ".missing"), StringComparison.Ordinal);

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("0.0.0.0")]
    public async Task a_port_is_taken_on_whichever_address_somebody_listens(string address)
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "There is no IPv6.");
        using var listener = new TcpListener(IPAddress.Parse(address), 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        Assert.True(await PortCheck.IsTakenAsync(port, TestContext.Current.CancellationToken));

        listener.Stop();
        Assert.False(await PortCheck.IsTakenAsync(port, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void a_home_that_cannot_be_written_is_told_with_its_variable()
    {
        Assert.Null(FolderCheck.FindError("home", Path.GetTempPath(), "HOME"));
        Assert.Contains("Set HOME to a folder that you can write.", FolderCheck.FindError("home", _file, "HOME"), StringComparison.Ordinal);
        Assert.Contains("Set HOME", FolderCheck.FindError("home", "", "HOME"), StringComparison.Ordinal);
    }
}
