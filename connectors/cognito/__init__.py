"""Everything that Poolferry says to an Amazon Cognito user pool."""
