using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace LlmAspire.AppHost.Tests;

/// <summary>What the AppHost describes; nothing is started.</summary>
public sealed class ModelTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task the_embedded_stack_has_every_resource_and_no_container()
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo");

        string[] expected = ["postgres", "llm", "litellm", "api", "usage-worker", "web"];
        Assert.Superset(expected.ToHashSet(), builder.Resources.Select(resource => resource.Name).ToHashSet());
        Assert.Empty(builder.Resources.OfType<ContainerResource>());
    }

    [Fact]
    public async Task in_containers_the_gateway_is_litellm_at_its_pinned_image()
    {
        await using var builder = await CreateAsync("Stack:Mode=containers", "Stack:Gateway=litellm");

        Assert.Equal(["litellm", "postgres"], builder.Resources.OfType<ContainerResource>().Select(resource => resource.Name).Order());
    }

    [Fact]
    public async Task with_LLM_BASE_URL_no_gateway_is_started()
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "LLM_BASE_URL=http://gateway.example", "LLM_API_KEY=sk-test");

        Assert.DoesNotContain(builder.Resources, resource => resource.Name == "litellm");
        Assert.Contains(builder.Resources, resource => resource.Name == "llm-api-key");
    }

    [Fact]
    public async Task only_provider_keys_that_are_set_become_parameters()
    {
        await using var builder = await CreateAsync("Stack:Mode=containers", "Stack:Gateway=litellm", "ANTHROPIC_API_KEY=sk-ant-test");

        var parameters = builder.Resources.OfType<ParameterResource>().Select(parameter => parameter.Name).ToList();
        Assert.Contains("anthropic-api-key", parameters);
        Assert.DoesNotContain("mistral-api-key", parameters);
        Assert.True(builder.Resources.OfType<ParameterResource>().Single(parameter => parameter.Name == "anthropic-api-key").Secret);
    }

    [Fact]
    public async Task api_and_web_are_told_of_the_provider_and_only_web_has_its_secret()
    {
        await using var builder = await CreateAsync(
            "Stack:Mode=embedded", "Stack:Gateway=demo", "Authentication:Authority=https://login.example/", "Authentication:Claims:Role=groups",
            "Authentication:ClientSecret=s3cret");

        var (api, web) = (await EnvironmentAsync(builder, "api"), await EnvironmentAsync(builder, "web"));
        Assert.Equal(("https://login.example/", "groups"), (api["Authentication__Authority"], api["Authentication__Claims__Role"]));
        Assert.Equal("https://login.example/", web["Authentication__Authority"]);
        Assert.DoesNotContain("Authentication__ClientSecret", api.Keys);
        Assert.True(Assert.IsType<ParameterResource>(web["Authentication__ClientSecret"]).Secret);
    }

    [Fact]
    public async Task web_is_told_where_programs_reach_the_api()
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo");
        await using var published = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo", "Api:PublicUrl=https://llm.example/");

        Assert.IsType<ReferenceExpression>((await EnvironmentAsync(builder, "web"))["Api__PublicUrl"]);
        Assert.Equal("https://llm.example/", (await EnvironmentAsync(published, "web"))["Api__PublicUrl"]);
    }

    [Theory]
    [InlineData("api", "llm", "litellm")]
    [InlineData("usage-worker", "llm")]
    [InlineData("web", "api")]
    public async Task a_service_waits_for_what_it_needs(string service, params string[] dependencies)
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo");

        var waits = builder.Resources.Single(resource => resource.Name == service).Annotations.OfType<WaitAnnotation>().Select(wait => wait.Resource.Name);
        Assert.Superset(dependencies.ToHashSet(), waits.ToHashSet());
    }

    [Fact]
    public async Task the_spool_of_the_api_is_with_the_data_of_the_stack()
    {
        var data = Path.Combine(Path.GetTempPath(), "llmaspire-model-test");
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo", $"Stack:DataDirectory={data}");

        Assert.Equal(Path.Combine(data, "spool"), (await EnvironmentAsync(builder, "api"))["Spool__Directory"]);
    }

    [Fact]
    public async Task the_worker_knows_the_gateway_and_does_not_wait_for_it()
    {
        await using var builder = await CreateAsync("Stack:Mode=embedded", "Stack:Gateway=demo");
        var worker = builder.Resources.Single(resource => resource.Name == "usage-worker");

        Assert.Superset(new HashSet<string> { "LLM_BASE_URL", "LLM_API_KEY" }, (await EnvironmentAsync(builder, "usage-worker")).Keys.ToHashSet());
        Assert.DoesNotContain(worker.Annotations.OfType<WaitAnnotation>(), wait => wait.Resource.Name == "litellm");
    }

    [Theory]
    [InlineData("Stack:Mode=sideways", "auto, containers or embedded")]
    [InlineData("Stack:Gateway=none", "auto, litellm or demo")]
    public async Task a_setting_that_is_not_known_is_refused_with_those_that_are(string setting, string remedy)
    {
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => CreateAsync(setting));

        Assert.Contains(remedy, exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void the_dockerfile_names_the_pinned_image()
    {
        var dockerfile = File.ReadAllText(Path.Combine(Projects.AppHost.ProjectPath, "..", "litellm", "Dockerfile"));
        var tags = File.ReadAllText(Path.Combine(Projects.AppHost.ProjectPath, "LiteLlm", "LiteLlmContainerImageTags.cs"));

        var from = dockerfile.Split('\n').Single(line => line.StartsWith("FROM ", StringComparison.Ordinal))["FROM ".Length..].Trim();
        var (registry, image, tag) = (Constant("Registry"), Constant("Image"), Constant("Tag"));
        Assert.Equal($"{registry}/{image}:{tag}", from);

        string Constant(string name) => tags.Split('\n').Single(line => line.Contains($"string {name} =", StringComparison.Ordinal)).Split('"')[1];
    }

    private static async Task<Dictionary<string, object>> EnvironmentAsync(IDistributedApplicationTestingBuilder builder, string service)
    {
        var started = builder.Resources.Single(resource => resource.Name == service);
        var context = new EnvironmentCallbackContext(builder.ExecutionContext, started, cancellationToken: Cancellation);
        foreach (var annotation in started.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        return context.EnvironmentVariables;
    }

    private static Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] args) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            [.. args, "Parameters:postgres-password=test", "Parameters:litellm-master-key=test"],
            Cancellation);
}
