using System.Net;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.OpenAi;

/// <summary>An Api with an allowance that a few pictures reach.</summary>
public sealed class SmallAllowance : OpenAiFixture
{
    protected override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["OpenAi:MaxBodyBytes"] = "1000000",
        ["Plans:Pro:TokensPerMonth"] = "180000",
    };
}

/// <summary>Pictures inside a request: a picture is reserved as 50,000 tokens at most, however many bytes it has; all else by its bytes.</summary>
public sealed class PictureTests(SmallAllowance stack) : IClassFixture<SmallAllowance>
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_picture_with_more_bytes_than_the_allowance_has_tokens_passes(bool stream)
    {
        var key = await stack.CreateKeyAsync();

        using var response = await stack.PostAsync(key, Ask(stream, Picture(500_000)));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await response.Content.LoadIntoBufferAsync(TestContext.Current.CancellationToken);
        var row = Assert.Single(await stack.RowsAsync(key));
        Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source));
        Assert.InRange(row.PromptTokens, 85, 150);
    }

    [Fact]
    public async Task three_large_pictures_fit_and_four_are_beyond_the_allowance()
    {
        var key = await stack.CreateKeyAsync();

        using var four = await stack.PostAsync(key, Ask(false, [.. Enumerable.Repeat(Picture(60_000), 4)]));
        await four.IsErrorAsync(HttpStatusCode.TooManyRequests, "insufficient_quota", "insufficient_quota");
        Assert.Empty(await stack.RowsAsync(key, 0));
        using var three = await stack.PostAsync(key, Ask(false, [.. Enumerable.Repeat(Picture(60_000), 3)]));
        Assert.Equal(HttpStatusCode.OK, three.StatusCode);
        await stack.RowsAsync(key);
    }

    [Fact]
    public async Task what_is_no_picture_counts_by_its_bytes()
    {
        var key = await stack.CreateKeyAsync();
        object[] others =
        [
            new { type = "file", file = new { file_data = $"data:text/plain;base64,{new string('A', 200_000)}" } },
            new { type = "input_audio", input_audio = new { data = new string('A', 200_000), format = "wav" } },
            new { type = "text", text = $"data:image/png;base64,{new string('A', 200_000)}" },
        ];

        foreach (var other in others)
        {
            using var response = await stack.PostAsync(key, Ask(false, other));
            await response.IsErrorAsync(HttpStatusCode.TooManyRequests, "insufficient_quota", "insufficient_quota");
        }

        Assert.Empty(await stack.RowsAsync(key, 0));
    }

    [Fact]
    public async Task more_bytes_than_a_request_may_have_are_413_whatever_they_are()
    {
        var key = await stack.CreateKeyAsync();

        using var response = await stack.PostAsync(key, Ask(true, Picture(1_000_000)));

        await response.IsErrorAsync(HttpStatusCode.RequestEntityTooLarge, "body_too_large");
    }

    private static object Picture(int characters) =>
        new { type = "image_url", image_url = new { url = $"data:image/png;base64,{new string('A', characters)}", detail = "low" } };

    private static object Ask(bool stream, params object[] parts) => new
    {
        model = "chat-default",
        stream,
        max_completion_tokens = 1000,
        messages = new[] { new { role = "user", content = (object[])[new { type = "text", text = "What is this? <<demo length=5>>" }, .. parts] } },
    };
}
