"""Why an alert did not get through: each sentence once; a row stores the cause and its values."""

from core.text.sentences import Cause

NO_MAIL = Cause(
    "alert_no_mail", "E-mail is not set up here: an administrator has to set EMAIL_URL."
)
SWITCHED_OFF = Cause("alert_switched_off", "This recipient was switched off before it was sent.")
BUG = Cause("alert_bug", "Dovetail made a mistake. The developers have to look.")
UNSIGNED = Cause("alert_unsigned", "This webhook has no secret yet: press “New secret”.")
TRIED_JUST_NOW = Cause("alert_tried_just_now", "A test was sent just now. Wait half a minute.")
