using LlmAspire.AppHost.Gateway;
using LlmAspire.AppHost.Stack;
using Microsoft.Extensions.Configuration;

namespace LlmAspire.AppHost.Tests;

/// <summary>What a run is made of, whatever machine it is on.</summary>
public sealed class StackChooserTests : IDisposable
{
    private static readonly ContainerRuntime Docker = new("docker", "", "");
    private static readonly ContainerRuntime NoDaemon = new(null, "the daemon of docker does not answer", "Start docker");
    private static readonly ContainerRuntime WindowsContainers = new(null, "docker runs Windows containers, and the images are for Linux", "Switch Docker to Linux containers");

    private readonly string _root = Path.Combine(Path.GetTempPath(), $"llmaspire-mode-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_root))
        {
            Directory.Delete(_root, recursive: true);
        }
    }

    [Fact]
    public void the_first_run_takes_containers_where_a_runtime_answers()
    {
        var (choice, text) = Choose(Docker);

        Assert.Equal((ServicesMode.Containers, (string?)null), (choice.Mode, choice.Obstacle));
        Assert.Contains("docker answers", text, StringComparison.Ordinal);
    }

    [Fact]
    public void the_first_run_is_embedded_where_none_answers_and_says_why()
    {
        var (choice, text) = Choose(WindowsContainers);

        Assert.Equal((ServicesMode.Embedded, (string?)null), (choice.Mode, choice.Obstacle));
        Assert.Contains("docker runs Windows containers", text, StringComparison.Ordinal);
    }

    [Fact]
    public void auto_stays_embedded_when_docker_has_come()
    {
        new LastMode(_root).Write(ServicesMode.Embedded);

        var (choice, text) = Choose(Docker);

        Assert.Equal((ServicesMode.Embedded, (string?)null), (choice.Mode, choice.Obstacle));
        Assert.Contains("as in the last run", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres")]
    [InlineData("spool")]
    [InlineData("gateway")]
    public void data_from_before_modes_were_remembered_is_embedded(string folder)
    {
        Directory.CreateDirectory(Path.Combine(_root, folder));

        Assert.Equal(ServicesMode.Embedded, Choose(Docker).Choice.Mode);
    }

    [Fact]
    public void auto_does_not_leave_containers_when_docker_has_gone_and_names_both_ways_out()
    {
        new LastMode(_root).Write(ServicesMode.Containers);

        var choice = Choose(NoDaemon).Choice;

        Assert.Equal(
            "The last run kept its data in containers, but the daemon of docker does not answer. Start docker, or set Stack:Mode=embedded to begin with a ledger of its own.",
            choice.Obstacle);
    }

    [Fact]
    public void containers_that_are_asked_for_and_cannot_run_are_told_in_one_line()
    {
        Assert.Equal("Stack:Mode is containers, but the daemon of docker does not answer. Start docker, or set Stack:Mode=embedded.", Choose(NoDaemon, "Stack:Mode=containers").Choice.Obstacle);
        Assert.Equal(
            "Stack:Mode is containers, but docker runs Windows containers, and the images are for Linux. Switch Docker to Linux containers, or set Stack:Mode=embedded.",
            Choose(WindowsContainers, "Stack:Mode=containers").Choice.Obstacle);
    }

    [Fact]
    public void a_change_of_mode_that_is_asked_for_says_where_the_data_of_the_last_run_is()
    {
        new LastMode(_root).Write(ServicesMode.Embedded);

        Assert.Contains("the data of the last run stays where it is: Stack:Mode=embedded", Choose(Docker, "Stack:Mode=containers").Text, StringComparison.Ordinal);
        Assert.DoesNotContain("stays where it is", Choose(Docker, "Stack:Mode=embedded").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void each_mode_has_files_of_its_own()
    {
        var folders = new[] { Choose(Docker, "Stack:Mode=containers"), Choose(Docker, "Stack:Mode=embedded") }.Select(one => one.Choice.DataDirectory).ToList();

        Assert.Equal([Path.Combine(_root, "containers"), _root], folders);
    }

    [Theory]
    [InlineData("Stack:Mode=sideways", "Stack:Mode is 'sideways'. Set it to auto, containers or embedded.")]
    [InlineData("Stack:Gateway=none", "Stack:Gateway is 'none'. Set it to auto, litellm or demo.")]
    public void a_setting_that_is_not_known_is_refused_with_those_that_are(string setting, string obstacle) =>
        Assert.Equal(obstacle, Choose(Docker, setting).Choice.Obstacle);

    [Theory]
    [InlineData("demo", "")]
    [InlineData("litellm", "OPENAI_API_KEY=sk-test")]
    [InlineData("demo", "OPENAI_API_KEY=sk-test", "Stack:Gateway=demo")]
    [InlineData("external", "OPENAI_API_KEY=sk-test", "LLM_BASE_URL=http://gateway.example")]
    public void the_gateway_follows_keys_and_address(string gateway, params string[] settings) =>
        Assert.Equal(gateway, Choose(Docker, settings).Choice.Gateway.ToString().ToLowerInvariant());

    [Fact]
    public void litellm_that_cannot_be_started_is_refused_with_how_to_install_it_whole()
    {
        var choice = Choose(NoDaemon, "Stack:Gateway=litellm").Choice;

        Assert.Contains("pip install 'litellm[proxy,proxy-runtime]'", choice.Obstacle, StringComparison.Ordinal);
        Assert.Equal(GatewayKind.Demo, Choose(NoDaemon, "OPENAI_API_KEY=sk-test").Choice.Gateway);
    }

    private (StackChoice Choice, string Text) Choose(ContainerRuntime runtime, params string[] settings) => new StackChooser(
        new ConfigurationBuilder().AddInMemoryCollection(
            settings.Where(setting => setting.Length > 0).Select(setting => setting.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], (string?)pair[1]))).Build(),
        isPublishing: false,
        new LastMode(_root),
        () => runtime,
        hasLiteLlm: false).Choose();
}
