using LlmAspire.DemoGateway.Configuration;

namespace LlmAspire.DemoGateway.Tests;

public class LiteLlmConfigTests
{
    [Theory]
    [InlineData("", 1, "holds no mapping")]
    [InlineData("- a\n- b\n", 1, "holds no mapping")]
    [InlineData("model_list: [\n", 2, "is not valid YAML")]
    [InlineData("model_list:\n  - model_name: a\n   b: c\n", 3, "is not valid YAML")]
    [InlineData("model_list:\n  - model_name: a\n    model_name: b\n", 3, "Duplicate key")]
    [InlineData("general_settings:\n  master_key: x\n", 1, "has no models")]
    [InlineData("model_list: []\n", 1, "has no models")]
    [InlineData("model_list: chat\n", 1, "has model_list that is not a list")]
    [InlineData("model_list:\n  - chat\n", 2, "is no mapping")]
    [InlineData("model_list:\n  - litellm_params:\n      model: openai/gpt\n", 2, "without model_name")]
    [InlineData("model_list:\n  - model_name: chat\n", 2, "names no model for \"chat\"")]
    [InlineData("model_list:\n  - model_name: chat\n    litellm_params: gpt\n", 3, "has litellm_params that is not a mapping")]
    [InlineData("model_list:\n  - model_name: chat\n    litellm_params: {model: a/b}\n    model_info: {id: x}\n  - model_name: chat\n    litellm_params: {model: a/c}\n    model_info: {id: x}\n", 5, "model_info.id \"x\" twice")]
    [InlineData("model_list:\n  - model_name: chat\n    litellm_params: {model: a/b}\nrouter_settings:\n  fallbacks:\n    - chat: [other]\n", 6, "names \"other\", which is no model_name")]
    [InlineData("model_list:\n  - model_name: chat\n    litellm_params: {model: a/b}\nlitellm_settings:\n  fallbacks:\n    - chat: other\n", 6, "a fallback of another form")]
    [InlineData("model_list:\n  - model_name: chat\n    litellm_params: {model: a/b}\nrouter_settings:\n  num_retries: some\n", 5, "has num_retries that is not a number")]
    [InlineData("model_list:\n  - model_name: chat\n    litellm_params: {model: a/b}\ngeneral_settings: [a]\n", 4, "has general_settings that is not a mapping")]
    [InlineData("model_list:\n  - model_name: chat\n    litellm_params: {model: a/b}\ngeneral_settings:\n  cancel_on_disconnect: maybe\n", 5, "has cancel_on_disconnect that is neither true nor false")]
    public void a_mistake_is_named_with_file_line_and_remedy(string yaml, int line, string what)
    {
        var failure = Assert.Throws<StartupException>(() => Read(yaml));

        Assert.StartsWith($"some/config.yaml, line {line}: the file ", failure.Message, StringComparison.Ordinal);
        Assert.Contains(what, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
        Assert.Matches(@"[.:] [A-Z].+\.$", failure.Message);
    }

    [Fact]
    public void a_deployment_keeps_what_the_file_says_but_its_key()
    {
        var config = Read(
            """
            model_list:
              - model_name: chat
                litellm_params:
                  model: azure/deployments/gpt
                  api_key: os.environ/KEY
                  api_base: https://example.com
                  temperature: 0.5
                model_info:
                  id: chat-1
                  label: "12"
                  input_cost_per_token: 1.5e-7
                  supports_vision: true
                  max_input_tokens: 1000
            """);
        var deployment = Assert.Single(config.Deployments);

        Assert.Equal(("chat", "chat-1", "azure", "deployments/gpt", 1000), (deployment.Alias, deployment.Id, deployment.Provider, deployment.Model, deployment.MaxInputTokens));
        Assert.Equal("""{"model":"azure/deployments/gpt","api_base":"https://example.com","temperature":0.5}""", deployment.LiteLlmParams.ToJsonString());
        Assert.Equal("""{"id":"chat-1","label":"12","input_cost_per_token":0.00000015,"supports_vision":true,"max_input_tokens":1000}""", deployment.ModelInfo.ToJsonString());
    }

    [Fact]
    public void without_an_id_it_is_a_hash_that_changes_with_the_parameters()
    {
        const string Yaml = "model_list:\n  - model_name: chat\n    litellm_params: {model: gpt-9, api_key: one}\n";
        var deployment = Assert.Single(Read(Yaml).Deployments);

        Assert.Equal(("openai", "gpt-9"), (deployment.Provider, deployment.Model));
        Assert.Equal(64, deployment.Id.Length);
        Assert.Equal(deployment.Id, Read(Yaml).Deployments[0].Id);
        Assert.NotEqual(deployment.Id, Read(Yaml.Replace("one", "two", StringComparison.Ordinal)).Deployments[0].Id);
    }

    [Theory]
    [InlineData("", 2)]
    [InlineData("router_settings: {num_retries: 5}\nlitellm_settings: {num_retries: 7}\n", 5)]
    [InlineData("router_settings: {timeout: 60}\nlitellm_settings: {num_retries: 0}\n", 0)]
    public void retries_are_taken_from_either_section_or_are_the_proxys_own(string settings, int expected) =>
        Assert.Equal(expected, Read($"model_list:\n  - model_name: chat\n    litellm_params: {{model: a/b}}\n{settings}").MaxRetries);

    [Theory]
    [InlineData("os.environ/MY_KEY", "sk-mine")]
    [InlineData("os.environ/UNSET", "sk-fallback")]
    [InlineData("sk-literal", "sk-literal")]
    [InlineData("${MY_KEY}", "${MY_KEY}")]
    public void only_os_environ_is_expanded(string written, string expected) => Assert.Equal(
        expected,
        Read($"model_list:\n  - model_name: chat\n    litellm_params: {{model: a/b}}\ngeneral_settings:\n  master_key: \"{written}\"\n").MasterKey);

    [Fact]
    public void the_shipped_configuration_is_what_the_documents_say()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "litellm", "config.yaml")))
        {
            folder = folder.Parent!;
        }

        var path = Path.Combine(folder.FullName, "litellm", "config.yaml");
        var config = LiteLlmConfigReader.ReadFile(path, name => name == "LITELLM_MASTER_KEY" ? "sk-key" : null);

        Assert.Equal(["chat-default", "claude-default", "gemini-default", "mistral-default", "fast-reasoning", "strong-reasoning", "prompt-helper"], config.Aliases);
        Assert.Equal("chat-default", Assert.Single(config.Deployments.GroupBy(deployment => deployment.Alias), group => group.Count() > 1).Key);
        Assert.All(config.Deployments, deployment =>
        {
            Assert.True((string?)deployment.ModelInfo["required_plan"] is "basic" or "pro" or "enterprise");
            Assert.False(string.IsNullOrEmpty((string?)deployment.ModelInfo["label"]));
            Assert.True(deployment.ModelInfo.ContainsKey("id") && deployment.ModelInfo.ContainsKey("max_input_tokens") && deployment.ModelInfo.ContainsKey("max_output_tokens"));
        });
        Assert.Equal(["claude-default"], config.Fallbacks["chat-default"]);
        Assert.Equal(["fast-reasoning"], config.Fallbacks["strong-reasoning"]);
        Assert.Equal("sk-key", config.MasterKey);
        Assert.All(File.ReadLines(path).Where(line => line.Contains("_key:", StringComparison.Ordinal)), line => Assert.Contains("os.environ/", line, StringComparison.Ordinal));
    }

    private static LiteLlmConfig Read(string yaml) => new LiteLlmConfigReader("some/config.yaml", name => name switch
    {
        "MY_KEY" => "sk-mine",
        "LITELLM_MASTER_KEY" => "sk-fallback",
        _ => null,
    }).Read(yaml);
}
