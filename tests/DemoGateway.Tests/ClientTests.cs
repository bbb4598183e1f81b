using System.ClientModel;
using System.ComponentModel;
using Microsoft.Extensions.AI;
using OpenAI;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>The gateway as the stack uses it: through Microsoft.Extensions.AI over the OpenAI SDK.</summary>
public class ClientTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    [Fact]
    public async Task the_official_client_reads_text_and_usage_of_a_stream()
    {
        using var client = Client("strong-reasoning");
        var response = await client.GetStreamingResponseAsync("Explain rain", cancellationToken: TestContext.Current.CancellationToken)
            .ToChatResponseAsync(TestContext.Current.CancellationToken);

        Assert.Contains("rain", response.Text, StringComparison.Ordinal);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal(DemoModel.Tokenizer.Count(response.Text), response.Usage!.OutputTokenCount - response.Usage.ReasoningTokenCount);
        Assert.True(response.Usage.ReasoningTokenCount > 0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task the_official_client_runs_a_tool_and_gets_the_answer_made_of_it(bool streamed)
    {
        var cities = new List<string>();
        using var client = Client("chat-default").AsBuilder().UseFunctionInvocation().Build();
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(GetWeather, "get_weather")] };
        var response = streamed
            ? await client.GetStreamingResponseAsync("What is the weather in Graz?", options, TestContext.Current.CancellationToken)
                .ToChatResponseAsync(TestContext.Current.CancellationToken)
            : await client.GetResponseAsync("What is the weather in Graz?", options, TestContext.Current.CancellationToken);

        Assert.Equal(["Graz"], cities);
        Assert.Contains("sunny in Graz", response.Text, StringComparison.Ordinal);

        [Description("The weather of a city")]
        string GetWeather(string city)
        {
            cities.Add(city);
            return $"sunny in {city}";
        }
    }

    private IChatClient Client(string model) => new OpenAIClient(
            new ApiKeyCredential(GatewayFixture.Key), new OpenAIClientOptions { Endpoint = new Uri(gateway.Client.BaseAddress!, "v1") })
        .GetChatClient(model)
        .AsIChatClient();
}
